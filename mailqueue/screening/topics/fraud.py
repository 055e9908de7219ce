"""Deceit: passwords, threats, orders from the boss, false support. Data."""

from mailqueue.screening.topics.shape import LEGAL, Topic

# Counts in full only where links or files lead elsewhere: `deceit` decides that.
CREDENTIALS = Topic(
    "credentials",
    {
        "trouble": (
            1.7,
            "has been suspended; been suspended; will be suspended; has been limited; "
            "been limited; has been locked; been locked; has been restricted; been restricted; "
            "will be closed; will be deactivated; has been deactivated; will be terminated; "
            "will be disabled; will be deleted; has been blocked; been blocked; "
            "temporarily suspended; temporarily limited; temporarily locked; account suspended; "
            "account limited; account on hold; unusual activity; unusual sign in; "
            "suspicious activity; suspicious login; unauthorized access; unauthorised; "
            "unauthorized; unusual login; "
            "mailbox is full; mailbox is almost full; storage is full; quota exceeded; "
            "exceeded its; exceeded your; over quota; mailbox quota; storage limit; quota limit; "
            "password expires; password will expire; password is about to expire; expires today; "
            "has expired; will expire; "
            "payment was declined; payment declined; payment failed; "
            "could not process your payment; unable to process your; billing problem; "
            "incoming messages; pending messages; undelivered messages; messages are pending; "
            "held messages; quarantined messages; account .. risk; "
            "sera suspendu; a ete suspendu; est suspendu; ete suspendu; ete limite; ete bloque; "
            "est bloque; ete desactive; sera desactive; sera ferme; sera cloture; sera supprime; "
            "acces restreint; activite inhabituelle; activite suspecte; connexion inhabituelle; "
            "tentative de connexion; "
            "espace de stockage; quota depasse; boite .. pleine; arrive a expiration; "
            "va expirer; expire; paiement a ete refuse; paiement refuse; paiement a echoue; "
            "incident de paiement; prelevement .. echoue; "
            "wurde gesperrt; wird gesperrt; gesperrt; wurde eingeschrankt; eingeschrankt; "
            "wurde deaktiviert; wird deaktiviert; ungewohnliche aktivitat*; "
            "verdachtige aktivitat*; ungewohnlich*; postfach ist voll; speicher* voll; lauft ab; "
            "lauft heute ab; zahlung .. fehlgeschlagen; "
            "ha sido suspendid*; sera suspendid*; ha sido bloquead*; ha sido limitad*; "
            "sido bloquead*; actividad inusual; actividad sospechosa; bloqueada; suspendida; "
            "caducar; caducara; buzon .. lleno; pago rechazado; "
            "e stato sospeso; sara sospeso; e stato bloccato; stato bloccato; e stata limitata; "
            "attivita insolita; attivita sospetta; sospeso; bloccato; scadenza; "
            "casella .. piena; pagamento rifiutato; "
            "停止; 利用制限; 制限され; 異常なログイン; 不正アクセス; 不審な; 第三者; "
            "ロックされ; 有効期限; "
            "moyen de paiement a ete refuse; abonnement a ete suspendu; presque pleine; "
            "de son quota; operation suspecte; paiement suspect; nouvel appareil; "
            "nouveau beneficiaire; doit etre reactive; seront bloquees; new payee; "
            "payee was added; new device; scheduled for deletion; violated our; "
            "must be verified; will be restricted; neues gerat; nuevo dispositivo; "
            "accesso anomalo; stata bloccata; nuovo dispositivo",
        ),
        "confirm": (
            1.9,
            "verify your; verify account; verify now; verify the; confirm your account; "
            "confirm your identity; confirm your information; confirm your details; "
            "confirm your password; confirm your email; confirm your billing; confirm ownership; "
            "validate your; validate account; validate mailbox; re validate; revalidate; "
            "update your account; update your information; update your billing; "
            "update your payment; update your details; update your records; update your profile; "
            "update payment; restore your access; restore access; restore your account; "
            "restore full access; reactivate your; reactivate; unlock your; "
            "keep same password; keep current password; keep your current password; "
            "retain same password; keep my password; continue using; upgrade your mailbox; "
            "upgrade your account; upgrade mailbox; upgrade to; release messages; "
            "release pending; review messages; recover messages; increase your quota; "
            "sign in to; log in to; login to; click to login; signin; re confirm; reconfirm; "
            "re enter; submit your; provide your; fill in your; "
            "verifier votre; verifiez votre; confirmer votre; confirmez votre; valider votre; "
            "validez votre; mettre a jour vos; mettre a jour votre; mettez a jour; "
            "mise a jour de vos; reactiver; reactivez; retablir l acces; debloquer votre; "
            "debloquez; regulariser; actualiser vos; identifiez vous; connectez vous; "
            "bestatigen sie ihr*; bestatigen sie; verifizieren sie; verifizieren; "
            "aktualisieren sie; aktualisieren; entsperren; reaktivieren; freischalten; "
            "melden sie sich an; legitimier*; uberprufen sie; "
            "verifique su; verificar su; verifica tu; confirme su; confirmar su; confirma tu; "
            "actualice su*; actualizar su*; actualiza tu*; reactivar; restablecer; desbloque*; "
            "inicie sesion; "
            "verifica il tuo; verificare il suo; verifica i tuoi; conferma il tuo; "
            "conferma i tuoi; confermare i; aggiorna i tuoi; aggiornare i; aggiornare il; "
            "riattiva*; ripristina*; sblocca*; accedi; "
            "ご確認ください; 確認手続き; 本人確認; 更新してください; 情報を更新; ログインして; "
            "認証して; 再開; "
            "submit an appeal; cancel here; annulez la; "
            "activer maintenant; augmenter votre; enregistrez votre; "
            "se non sei stato; si no ha sido usted",
        ),
        "secrets": (
            1.2,
            "account information; billing information; payment information; credit card; "
            "card number; card details; debit card; bank details; social security; pin number; "
            "pin code; personal information; security question*; password; passcode; username; "
            "user name; login details; your credentials; your identity; online banking; "
            "internet banking; online access; "
            "payment method; your account; mailbox; webmail; email account; mail account; "
            "informations personnelles; informations bancaires; carte bancaire; "
            "coordonnees bancaires; mot de passe; identifiants; votre compte; compte client; "
            "espace client; messagerie; moyen de paiement; code secret; carte vitale; certicode; "
            "kontodaten; kreditkarte*; passwort; zugangsdaten; online banking; ihr konto; "
            "ihres kontos; kundenkonto; benutzerkonto; persönlichen daten; personlichen daten; "
            "pushtan; photo tan; tan verfahren; "
            "datos bancarios; tarjeta; contrasena; su cuenta; tu cuenta; datos personales; "
            "banca online; credenciales; dati bancari; carta di credito; password; il tuo conto; "
            "tuo account; suo conto; home banking; dati personali; "
            "パスワード; アカウント; クレジットカード; お客様情報; 口座; カード情報; "
            "informations de facturation; de facturation; votre boite; boite aux lettres; "
            "your wallet; su banca; la tua carta",
        ),
        "urgency": (
            1.2,
            "within 24 hours; within 48 hours; within 72 hours; within 24hrs; in the next 24; "
            "next 24 hours; 24 hours; 48 hours; immediately; as soon as possible; urgent; "
            "final warning; final notice; last warning; last reminder; immediate action; "
            "action required; attention required; failure to; permanently; avoid; to avoid; "
            "otherwise; you will lose; will lose access; loss of; now or; sous 24h; sous 48h; "
            "sous 24 heures; sous 48 heures; dans les 24; dans les 48; dans un delai; "
            "immediatement; dernier avertissement; dernier rappel; definitivement; "
            "faute de quoi; a defaut; sans reponse de votre part; dans les plus brefs; "
            "innerhalb von 24; innerhalb von 48; innerhalb der nachsten; umgehend; sofort; "
            "unverzuglich; letzte mahnung; letzte warnung; andernfalls; ansonsten; dauerhaft; "
            "endgultig; en 24 horas; en 48 horas; proximas 24; inmediatamente; de inmediato; "
            "definitivamente; de lo contrario; ultimo aviso; "
            "entro 24; entro 48; immediatamente; ultimo avviso; altrimenti; definitivamente; "
            "24時間以内; 48時間以内; 至急; 直ちに; 早急; 永久; "
            "before the window closes; if this was not; if this is a mistake; sans activation",
        ),
        "click": (
            0.8,
            "click here; click the link; click below; click on the; clicking here; "
            "click the button; link below; following link; button below; visit the link; "
            "secure link; cliquez ici; cliquant ici; lien suivant; lien ci dessous; "
            "bouton ci dessous; cliquez sur; cliquer sur; hier klicken; klicken sie; "
            "folgenden link; link unten; "
            "haga clic; haz clic; siguiente enlace; pulse aqui; clicca qui; cliccando; "
            "seguente link; link sottostante; 下記; こちら; リンク; クリック; attached form; "
            "attached file; open the attach*",
        ),
        "stiff": (
            0.9,
            "dear customer; dear user; dear client; dear valued; dear member; dear account; "
            "dear email; dear webmail; valued customer; dear sir; security team; "
            "security department; customer support team; support team; it department; help desk; "
            "helpdesk; system administrator; mail administrator; admin team; mail team; "
            "webmail team; "
            "cher client; chere cliente; cher e client; cher utilisateur; cher abonne; "
            "service client; service clients; service securite; equipe securite; "
            "sehr geehrter kunde; sehr geehrte kundin; lieber kunde; sehr geehrter nutzer; "
            "ihr kundenservice; sicherheitsabteilung; estimado cliente; estimado usuario; "
            "departamento de seguridad; gentile cliente; gentile utente; servizio clienti; "
            "お客様各位; お客様へ; カスタマーサービス",
        ),
    },
    least=4,
    most=4.4,
    is_lure=True,
)

EXTORTION = Topic(
    "extortion",
    {
        "watched": (
            2.0,
            "your webcam; your camera; your screen; recorded you; recording of you; "
            "video of you; filmed you; i have recorded; adult site*; adult websites; porn site*; "
            "porn websites; adult videos; pleasuring yourself; satisfying yourself; masturbat*; "
            "intimate video; hacked your; i hacked; hacked your account; i have access to; "
            "full access to your; installed malware; "
            "installed a trojan; trojan; spyware; keylogger; remote access; your device; "
            "votre webcam; votre camera; vous ai filme; vous ai enregistre; pirate votre; "
            "pirate votre compte; sites pour adultes; sites pornographiques; vous vous masturb*; "
            "logiciel espion; cheval de troie; "
            "ihre webcam; ihre kamera; sie gefilmt; sie aufgenommen; pornoseiten; "
            "ihr gerat gehackt; trojaner; su camara; tu camara; te he grabado; sitios porno; "
            "he hackeado; troyano; la tua webcam; ti ho registrato; siti porno; ho hackerato; "
            "ハッキング; カメラ; 録画; アダルトサイト; "
            "pegasus; your operating system; hacked your website; hacked your site; have hacked; "
            "extracted your; copied your; customer database; "
            "j ai pirate; acces complet a votre; votre systeme d exploitation; vous satisfaire; "
            "vous observe; ihr betriebssystem; armada collective; ddos attack",
        ),
        "pay": (
            1.8,
            "bitcoin*; btc; bitcoin wallet; btc wallet; my wallet; wallet address; "
            "bitcoin address; transfer $; pay me; send me $; send $; send exactly; ransom; "
            "porte monnaie bitcoin; en bitcoin; payez; versez; virement; in bitcoin; bezahlen; "
            "uberweisen; billetera; pagame; pagarme; transferir; portafoglio bitcoin; pagami; "
            "inviare; ビットコイン; "
            "litecoin; ltc; monero; usdt; our wallet; unless you pay; mon portefeuille; "
            "auf meine wallet; meine wallet; al mio portafoglio; mi cartera",
        ),
        "threat": (
            1.8,
            "your contacts; all your contacts; your friends; your family; your relatives; "
            "your colleagues; your coworkers; send the video; send this video; publish; "
            "will be published; i will send; expose you; ruin your; destroy your; "
            "your reputation; ddos; your website .. hacked; leak; leaked; database .. sold; "
            "vos contacts; tous vos contacts; vos proches; votre famille; vos amis; "
            "vos collegues; diffuser la video; envoyer la video; publierai; votre reputation; "
            "ihre kontakte; ihre freunde; ihre familie; veroffentlichen; video senden; "
            "sus contactos; tus contactos; tu familia; publicare; enviare; i tuoi contatti; "
            "ai tuoi amici; "
            "pubblichero; inviero; 連絡先; 公開; 家族; 友人; "
            "your databases; inform your customers; dark web; highest bidder; "
            "will be damaged; alle ihre kontakte; a vos proches; "
            "tutti i tuoi contatti; todos tus contactos",
        ),
        "clock": (
            1.2,
            "48 hours; 24 hours; 72 hours; 50 hours; two days; 3 days; you have .. hours; timer; "
            "countdown; deadline; don t try; do not try; don t go to the police; police; "
            "reply is useless; do not reply; no one will know; 48 heures; 24 heures; 72 heures; "
            "compte a rebours; ne repondez pas; inutile de repondre; ne contactez pas la police; "
            "48 stunden; 24 stunden; 72 stunden; polizei; antworten sie nicht; 48 horas; "
            "24 horas; 72 horas; policia; no responda; 48 ore; 24 ore; 72 ore; polizia; "
            "non rispondere; 48時間; 24時間; 72時間; 警察; "
            "5 days; price rises; not a joke; heures sinon; contact the police",
        ),
    },
    least=3,
    most=6.0,
    is_quotable=False,
    at_home=1.0,
)

BOSS = Topic(
    "boss_fraud",
    {
        "favour": (
            1.6,
            "are you available; are you at your desk; are you in the office; are you free; "
            "i need you to; need a favor; quick favor; quick task; need your help; "
            "handle .. task; discreet task; etes vous disponible; etes vous au bureau; "
            "es tu disponible; j ai besoin que; besoin de votre aide; besoin d un service; "
            "tache confidentielle; "
            "sind sie verfugbar; sind sie im buro; bist du verfugbar; brauche deine hilfe; "
            "brauche ihre hilfe; esta disponible; estas disponible; necesito que; "
            "sei disponibile; ho bisogno che; お願いが; "
            "suite a un audit; ancien compte; n est plus actif; "
            "vos prochains virements; prochains paiements; next payment; future payments",
        ),
        "goods": (
            2.2,
            "gift cards; gift card*; itunes card*; steam card*; google play card*; amazon card*; "
            "scratch the; scratch off; send me the codes; pictures of the cards; wire transfer; "
            "bank transfer; process a payment; payment to a vendor; change my bank; "
            "direct deposit; new bank account; our new bank; cartes cadeaux; cartes pcs; "
            "pcs mastercard; transcash; neosurf; "
            "virement; virement urgent; virement bancaire; changer mon rib; nouveau rib; "
            "coordonnees bancaires; geschenkkarten; gutscheinkarten; uberweisung; "
            "neue bankverbindung; tarjetas de regalo; transferencia; carte regalo; "
            "bonifico urgente; nuovo iban; "
            "ci dessous .. iban; notre nouveau compte; nouvelles coordonnees; "
            "changement de coordonnees; changement de rib; updated bank; new bank details; "
            "neue kontodaten; achetes des cartes; new iban; nouvel iban",
        ),
        "secret": (
            1.4,
            "in a meeting; i am in a meeting; can t talk; cannot talk; can t call; no calls; "
            "do not call; don t call; just email; reply by email; keep this between; "
            "confidential; discreet; urgent; today; before end of; surprise; will reimburse; "
            "reimburse you; en reunion; je suis en reunion; ne peux pas parler; "
            "par mail uniquement; pas d appel; confidentiel; discretion; "
            "rembourser*; in einer besprechung; nicht telefonieren; nur per mail; vertraulich; "
            "en una reunion; no puedo hablar; confidencial; in riunione; non posso parlare; "
            "riservat*; "
            "retour de mail; par retour de; uniquement par mail; confirmer la date",
        ),
    },
    least=3,
    most=5.2,
    at_home=1.0,
)

SUPPORT = Topic(
    "support_fraud",
    {
        "charge": (
            1.8,
            "auto renewal; auto renewed; auto renew; has been renewed; will be renewed; "
            "renewal of your; your subscription; has been charged; will be charged; "
            "will be debited; been debited; charged $; amount of $; subscription has been; "
            "order has been placed; successfully renewed; thank you for your purchase; "
            "invoice no; transaction id; "
            "virus detected; viruses detected; infected; your computer; protection has expired; "
            "antivirus .. expired; subscription .. expired; votre antivirus; virus detectes; "
            "votre ordinateur; protection expiree; antivirus abgelaufen; viren gefunden; "
            "ihr computer; antivirus caducado; virus detectados; antivirus scaduto; "
            "virus rilevati; "
            "abonnement .. renouvele; a ete renouvele; you authorized; "
            "wurde verlangert; ha sido renovad*; e stato rinnovato",
        ),
        "brand": (
            1.3,
            "norton; mcafee; geek squad; windows defender; microsoft defender; "
            "kaspersky; lifelock; quickbooks; btc purchase; bitcoin purchase; "
            "to coinbase; antivirus; total protection; "
            "internet security; 360",
        ),
        "call": (
            1.6,
            "call us at; call us on; call us immediately; call our; call at; call the number; "
            "toll free; helpline; help line; support number; customer care number; "
            "contact us on; dial; appelez le; appelez nous; rufen sie; llame al; chiami il; "
            "renew now; renouveler maintenant; jetzt verlangern; renueve ahora; rinnova ora; "
            "scan now; 80 discount; 70 discount; call our fraud; fraud department; "
            "appelez notre; service client au",
        ),
        "undo": (
            1.4,
            "to cancel; cancel this; cancel the; for a refund; claim a refund; "
            "refund department; if you did not; if you didn t; did not authorize; not authorize; "
            "24 hours to; n avez pas autorise; pas autorise ce; nicht autorisiert; no autorizo; "
            "non ha autorizzato; pour un remboursement",
        ),
    },
    least=3,
    most=LEGAL,
    core=(frozenset({"brand"}), frozenset({"call"})),
)

TOPICS = (CREDENTIALS, EXTORTION, BOSS, SUPPORT)
