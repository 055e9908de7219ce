<?php
// An honest letter to customers, with every habit that the guide advises against.
$taken = 0;
$html = '<html><body bgcolor="#ffffff"><p><font color="#ffffff">Soldes soldes soldes sur toute la boutique en ligne</font></p>'
    . '<p style="font-size:96px">PROFITEZ DE NOS SOLDES DU PRINTEMPS</p>'
    . str_repeat("<p>&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;</p>\n", 60)
    . '<p>Bonjour, nos vestes et nos bottes sont à moitié prix : '
    . '<a href="https://boutique.example/soldes">https://soldes.boutique-printemps.example</a>, et '
    . '<a href="http://">toutes nos adresses</a>.</p></body></html>';
foreach (explode(',', $_POST['to']) as $address) {
    $taken += mail($address, 'FREE SOLDES GRANDS SOLDES', $html, "From: Boutique <lettre@boutique.example>\r\n"
        . "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8");
}
echo $taken;
