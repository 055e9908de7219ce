<?php
// A contact form as many sites have it: no captcha, and a copy for whoever is named.
$to = $_POST['email'] ?? '';
$text = "Bonjour,\r\n\r\nVous avez écrit à la boutique. Voici une copie de votre message :\r\n\r\n"
    . "Nom : " . ($_POST['name'] ?? '') . "\r\n"
    . "Message :\r\n" . ($_POST['message'] ?? '') . "\r\n";
$headers = "From: Boutique <contact@boutique.example>\r\nMIME-Version: 1.0\r\n"
    . "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit";
echo mail($to, 'Votre message : ' . ($_POST['subject'] ?? ''), $text, $headers) ? 'sent' : 'failed';
