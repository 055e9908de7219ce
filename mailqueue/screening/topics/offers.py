"""Offers that are none: jobs that pay by the day, money that waits, dues of no office. Data."""

from mailqueue.screening.topics.shape import LEGAL, Topic

JOB = Topic(
    "job_lure",
    {
        "job": (
            1.2,
            "remote job; remote part time; online job; part time job; part time online; "
            "work at home; work from home; home based agent*; shipping agent; "
            "recruitment agenc*; travail a domicile; teletravail; emploi a domicile; "
            "service de recrutement; heimarbeit; nebenjob; homeoffice job; trabajo remoto; "
            "trabajo desde casa; trabajar desde casa; lavoro da casa; lavoro da remoto; 在宅ワーク",
        ),
        # Honest work is paid by the month or the hour, and to an account that is asked for later.
        "pay": (
            1.6,
            "per day; a day; every # days; daily salary; paid daily; daily pay; daily payment; "
            "base salary; par jour; verse quotidiennement; paye quotidiennement; "
            "paiement quotidien; pro tag; taglich ausgezahlt; tagliche auszahlung; al dia; "
            "pago diario; al giorno; pagamento giornaliero; 日払い",
        ),
        "ease": (
            1.5,
            "no experience; # minutes a day; minutes a day; like videos; rate hotels; "
            "optimize products; optimise products; increase bookings; help merchants; "
            "hotel reviews; youtube videos; no investment; age over; over 22; at least 20; "
            "aimer des videos; liker des videos; noter des hotels; # minutes par jour; "
            "minutes par jour; sans experience; "
            "ohne erfahrung; minuten am tag; videos liken; hotels bewerten; "
            "sin experiencia; minutos al dia; senza esperienza; minuti al giorno",
        ),
        # Work that makes accomplices.
        "mule": (
            2.4,
            "receive parcels; receive packages; repack and; forward them; reship*; "
            "receive payments; process payments; keep # as; # commission on each; "
            "scan of your id; photo of your passport; recevoir des colis; reexpedier; "
            "recevoir des virements; pakete empfangen; weiterleiten; recibir paquetes; "
            "reenviar*; ricevere pacchi; scan dowodu",
        ),
        "contact": (
            1.2,
            "whatsapp; telegram; wa me; t me; gmail com; outlook com; by text; our manager; "
            "our hr; notre responsable; unseren manager; nuestro gerente; il nostro responsabile",
        ),
    },
    least=3,
    most=LEGAL,
    core=(frozenset({"job"}), frozenset({"pay", "mule"}), frozenset({"ease", "mule"})),
)

PAYOUT = Topic(
    "payout_lure",
    {
        "sum": (
            1.2,
            "$ #; # $; # usd; usd; usdt; # btc; btc; € #; # €; # eur; £ #; "
            "compensation of; balance of",
        ),
        "waits": (
            2.2,
            "deposit available; transfer available; transfer approved; payment approved; "
            "payout approved; you got #; you got .. $; you received .. btc; incoming transfer; "
            "transfer waiting; is waiting for you; are waiting for you; balance available; "
            "was credited to you; process # btc; process .. btc; your allocation; "
            "virement disponible; virement en attente; somme disponible; vous attend sur votre; "
            "guthaben verfugbar; auszahlung bereit; transferencia disponible; "
            "bonifico disponibile; accredito disponibile",
        ),
        "get": (
            1.6,
            "withdraw; confirm your operation; confirm the operation; confirm the transfer; "
            "get it here; get it now; claim; claim it; claim before; continue here; "
            "retirez; retirer; recuperez; confirmez l operation; "
            "abheben; auszahlen; retirar; prelevare",
        ),
    },
    least=2,
    most=LEGAL,
    core=(frozenset({"waits"}),),
    is_lure=True,
)

FINE = Topic(
    "fine_lure",
    {
        "due": (
            1.7,
            "unpaid fine; traffic fine; parking fine; penalty notice; unpaid toll; toll balance; "
            "toll invoice; outstanding toll; road tax; tax debt; "
            "amende; amende forfaitaire; contravention; dossier d infraction; infraction; "
            "peage; peage impaye; vignette; crit air; reste impaye; "
            "droits a la formation; droits cpf; vos droits; votre ligne; prelevement .. rejete; "
            "bussgeld; strafzettel; mautgebuhr*; steuerschuld*; zahlungsruckstand; "
            "multa; multas; peaje; deuda; multa stradale; pedaggio; cartella esattoriale; "
            "cotisations; cotisations impayees; solde debiteur; mise en demeure; "
            "compte cotisant",
        ),
        "pressure": (
            1.5,
            "late fee; additional fees; legal action; license suspension; within 24; within 48; "
            "final notice; to avoid; majoree; majoration; sera majore*; sous peine; a defaut; "
            "sous 24h; sous 48h; dans les 24 heures; sous 24 heures; afin d eviter; "
            "seront perdus; expirent bientot; "
            "suspension de; regularisez; zwangsvollstreckung; pfandung; innerhalb von; "
            "mahngebuhr*; recargo; embargo; en 24 horas; en 48 horas; entro 24; entro 48; "
            "pignoramento; maggiorazione; "
            "huissier; commissaire de justice; bailiff; debt collector*",
        ),
        "pay": (
            1.3,
            "pay now; pay online; pay the; pay your; reglez; regler; payer en ligne; payer; "
            "carte bancaire; de reglement; commandez la; commandez votre; acceder a votre dossier; "
            "accedez a votre dossier; numero de securite sociale; confirmez votre identite; "
            "regularisez; zahlen sie; begleichen; uberweisen; pague; pagar; paghi; pagare",
        ),
    },
    least=3,
    most=4.2,
    is_lure=True,
)

RENEWAL = Topic(
    "renewal_lure",
    {
        "domain": (
            1.2,
            "domain name; domain listing; domain notification; domain registration; your domain; "
            "nom de domaine; noms de domaine; votre domaine; domainname; domain name; ihre domain; "
            "nombre de dominio; su dominio; nome a dominio; il tuo dominio; dominio",
        ),
        "notice": (
            1.8,
            "final notice; expiration notice; expiration date; failure to complete; "
            "search engine registration; cancellation of this offer; difficult for your customers; "
            "act immediately; "
            "arrive a expiration; sera supprime; sera suspendu; dernier avis; expire aujourd hui; "
            "wird geloscht; lauft heute ab; lauft ab; letzte mahnung; "
            "expira hoy; sera eliminad*; ultimo aviso; sta per scadere; sara cancellat*; "
            "scade oggi",
        ),
        "pay": (
            1.4,
            "secure online payment; renew now; renewal fee; pay now; procedez au renouvellement; "
            "renouvelez; renouveler; par carte bancaire; jetzt verlangern; zahlungsdaten; "
            "renovar ahora; renueve; rinnova; rinnovare; montant; amount",
        ),
    },
    least=3,
    most=4.4,
    is_lure=True,
)

RECOVERY = Topic(
    "recovery_lure",
    {
        "lost": (
            1.4,
            "i lost; lost .. usd; lost .. dollars; stolen crypto; stolen bitcoin; stolen funds; "
            "lost bitcoin; lost crypto; lost money; bitcoin scam; crypto scam; lost funds; "
            "j ai perdu; cryptos volees; argent perdu; verlorene kryptowahrung*; geld verloren; "
            "dinero perdido; soldi persi",
        ),
        "helper": (
            2.2,
            "recovery expert*; recovery service*; recovery agent*; recovery company; "
            "recovery hacker; crypto recovery; funds recovery; bitcoin recovery; "
            "recover my; recovered my; recover your; recover stolen; ethical hacker*; "
            "recuperer mes; recuperer vos fonds; wiederbeschaffung; recuperar mis; "
            "recuperare i miei",
        ),
        "contact": (
            1.2,
            "whatsapp; telegram; contact them; contact him; reach out to; email them; "
            "i recommend; highly recommend; contactez les; contactez le",
        ),
    },
    least=3,
    most=LEGAL,
)

TOPICS = (JOB, PAYOUT, FINE, RENEWAL, RECOVERY)
