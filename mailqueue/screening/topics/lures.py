"""Lures: a parcel that waits, money to come back, a bill to open; and who warns of them. Data."""

from mailqueue.screening.topics.shape import Topic

PARCEL = Topic(
    "parcel_lure",
    {
        "parcel": (
            1.2,
            "your parcel; your package; your shipment; your delivery; package; shipment; colis; "
            "votre colis; votre livraison; ihr paket; ihre sendung; paket; sendung; su paquete; "
            "tu paquete; su envio; paquete; il tuo pacco; il suo pacco; pacco; spedizione; "
            "お荷物; 荷物; 配達; delivery",
        ),
        "stuck": (
            1.7,
            "could not be delivered; couldn t be delivered; unable to deliver; "
            "was not delivered; delivery failed; failed delivery; delivery attempt; on hold; "
            "is waiting; waiting for delivery; has been held; pending; stopped at; "
            "incorrect address; incomplete address; address .. incomplete; held at customs; "
            "customs; suspended; missed; "
            "n a pas pu etre livre; n a pu etre livre; pas pu livrer; en attente; "
            "en attente de livraison; bloque; retenu; en douane; adresse incomplete; "
            "adresse incorrecte; tentative de livraison; instance; "
            "konnte nicht zugestellt; nicht zugestellt; nicht zugestellt werden; wartet auf; "
            "zuruckgehalten; zoll; zollgebuhr*; adresse .. unvollstandig; no se ha podido; "
            "no pudo ser entregado; pendiente; retenido; aduana; direccion incorrecta; "
            "non e stato consegnato; non e stato possibile; in attesa; trattenuto; in giacenza; "
            "dogana; indirizzo errato; 不在; お届けでき; 持ち帰り; 保留; "
            "centre mais; n ont pas ete regles; n a pas ete regle; non paye; unpaid; creneau",
        ),
        "fee": (
            2.1,
            "pay the; pay a; shipping fee*; delivery fee*; redelivery fee*; customs fee*; "
            "small fee; handling fee*; import duty; customs duties; outstanding; payment of; "
            "confirm the payment; fee of; 1 99; 2 99; 1 95; 2 95; 0 99; frais de livraison; "
            "frais de port; frais de douane; frais de traitement; frais d expedition; "
            "regler les; "
            "payer les; paiement de; reglement de; affranchissement; gebuhr*; versandkosten; "
            "zollgebuhren; bezahlen sie; zahlen sie; nachzahlung; gastos de; tasa; pagar; "
            "abonar; tarifa; spese di; pagare; pagamento di; costi di; 手数料; 支払い; 関税; "
            "update your address; confirm your address; confirm your shipping; reschedule; "
            "mettre a jour votre adresse; confirmer votre adresse; adresse bestatigen; "
            "confirmar su direccion; aggiorna il tuo indirizzo; conferma l indirizzo; 再配達; "
            "住所確認; 住所を確認; "
            "frais d affranchissement; nouveau creneau; reprogrammer; programmer ma; "
            "gastos de aduana; falta de pago; spese doganali",
        ),
        "act": (
            0.9,
            "click here; click below; link below; following link; schedule; track; confirm; "
            "cliquez ici; cliquez sur; lien suivant; lien ci dessous; ci dessous; suivre mon; "
            "planifier; hier klicken; klicken sie; folgenden link; unten; haga clic; haz clic; "
            "siguiente enlace; clicca qui; seguente link; qui sotto; こちら; 下記; "
            "choisissez; programmer; pague; pay it; paga",
        ),
        "pressure": (
            1.1,
            "returned to; return to sender; returned to sender; within 24; within 48; "
            "within 3 days; within 14 days; in the next 48; last attempt; final attempt; "
            "sous 24h; sous 48h; sous 48 heures; dans les 48; dans les 24; retourne a; "
            "renvoye a; sera retourne; dernier avis; derniere chance; "
            "zuruckgeschickt; zuruckgesendet; zurück; innerhalb von; sera devuelto; devuelto al; "
            "en 48 horas; entro 48; entro 24; sara restituito; restituito al; mittente; 返送; "
            "48時間; 24時間",
        ),
    },
    least=4,
    most=4.5,
    is_lure=True,
)


REFUND = Topic(
    "refund_lure",
    {
        "refund": (
            2.0,
            "remboursement de; droit a un remboursement; rembourser la somme; tax refund; "
            "refund of; "
            "eligible for a refund; entitled to a refund; pending refund; overpaid; double "
            "payment; "
            "ruckerstattung; steuererstattung; erstattung von; reembolso de; devolucion de; "
            "rimborso di; diritto a un rimborso; 還付金; 返金; "
            "recevoir un remboursement; acheteur a paye; l acheteur a; pour recevoir; "
            "buyer has paid; the buyer paid; kaufer hat bezahlt; comprador ha pagado; "
            "admissible",
        ),
        "data": (
            1.6,
            "coordonnees bancaires; carte bancaire; informations bancaires; bank details; card "
            "details; "
            "debit card; credit card; bank account; kontodaten; bankverbindung; kreditkarte; "
            "datos bancarios; tarjeta; dati bancari; carta di credito; 口座番号; カード番号; "
            "sur votre carte; vos coordonnees; situation fiscale; your card; ihre karte; "
            "su tarjeta",
        ),
        "act": (
            1.2,
            "completez le formulaire; remplir le formulaire; remplissez; formulaire; cliquez ici; "
            "lien suivant; pour le recevoir; fill in; fill out; complete the form; claim your; "
            "submit the; click here; follow the link; formular; fullen sie; klicken sie; "
            "formulario; haga clic; rellene; modulo; compili; clicca qui; フォーム; こちら; "
            "soumettre votre demande; confirmez vos; confirmez; submit your claim; "
            "receive the money; accept the payment",
        ),
    },
    least=3,
    most=4.4,
    is_lure=True,
)


BILL = Topic(
    "bill_lure",
    {
        "paper": (
            1.2,
            "invoice; purchase order; payment advice; remittance advice; payment slip; "
            "swift copy; bank slip; proforma; quotation; request for quotation; overdue invoice; "
            "unpaid invoice; statement of account; shipping documents; bill of lading; "
            "order confirmation; scanned document; scan from; new voicemail; voice message; "
            "fax message; "
            "facture; facture impayee; bon de commande; avis de paiement; relance; "
            "mise en demeure; rechnung; mahnung; bestellung; zahlungsavis; zahlungsbeleg; "
            "factura; orden de compra; comprobante de pago; fattura; ordine di acquisto; "
            "bonifico; sollecito; 請求書; 見積; 注文書",
        ),
        "attached": (
            1.4,
            "see attached; see the attached; attached file; attached invoice; "
            "attached document*; find attached; please find; attached herewith; attached is; "
            "in the attachment; open the attach*; enable content; enable editing; enable macros; "
            "view document; view the document; password is; password; "
            "archive password; "
            "ci joint; ci jointe; piece jointe; en piece jointe; ouvrir le document; "
            "activer le contenu; mot de passe; im anhang; anbei; angehangte*; beigefugte*; "
            "inhalt aktivieren; passwort; adjunto; adjunta; archivo adjunto; contrasena; "
            "in allegato; allegato; allegata; 添付; "
            "attached archive; in the attached; l archive jointe; archive jointe; "
            "piece jointe; ouvrez le document; connectez vous avec",
        ),
        "pressure": (
            1.2,
            "urgent; urgently; immediately; overdue; past due; legal action; to avoid; "
            "final reminder; last reminder; as soon as possible; asap; kindly; confirm receipt; "
            "revert; en retard; impayee; poursuites; dans les plus brefs; dernier rappel; "
            "huissier; uberfallig; dringend; umgehend; letzte mahnung; inkasso; "
            "rechtliche schritte; "
            "vencida; urgente; inmediatamente; scaduta; urgente; immediatamente; azioni legali; "
            "至急; "
            "legal proceedings; within 3 days; convoque; tribunal; sans permission; "
            "without permission; copyright infringement; en attente de reglement",
        ),
    },
    most=2.5,
    least=2,
)


# Who warns of such letters quotes them: two of these say that it is a warning.
WARNING = (
    "phishing; scam; scams; scammers; fraud; fraudsters; fake e mails; fake emails; never click; "
    "do not click; never share; never give; never ask; will never ask; hameconnage; arnaque; "
    "arnaques; escroc*; escroquerie*; faux sms; faux mails; faux e mails; ne cliquez pas; "
    "ne donnez jamais; ne communiquez jamais; ne vous demandera jamais; betrug*; phishing mails; "
    "klicken sie nicht; geben sie niemals; fragen nie; estafa*; fraude*; no haga clic; "
    "nunca facilite; "
    "truffa; truffe; non cliccare; non fornire mai; "
    "never ask for; we never ask; jamais vos; ne vous demanderons jamais; fragen wir nie; "
    "wir fragen nie; nunca le pediremos; nunca lhe pediremos; non ti chiederemo mai; "
    "vragen wij u nooit; vragen u nooit; wij vragen; nigdy nie prosimy; никогда не прос*; "
    "oszust*; мошенник*; oplichting; oplichters; golpistas; lying; promises guaranteed; "
    "当行がメール; お尋ねすることは; 切勿; 诈骗; "
    "詐欺; 偽メール; 偽サイト; フィッシング; クリックしない"
)

TOPICS = (PARCEL, REFUND, BILL)
