"""Topics in Dutch. Data, by rule and group."""

PHRASES: dict[str, dict[str, str]] = {
    "gambling": {
        "game": "gokkast*; online casino; gokken; sportweddenschap*",
        "bonus": "gratis spins; welkomstbonus; zonder storting; stortingsbonus",
        "lure": "speel nu; echt geld; meteen uitbetaald; win tot",
    },
    "prize": {
        "won": (
            "u heeft gewonnen; je hebt gewonnen; bent u geselecteerd; bent geselecteerd; de winnaar"
        ),
        "prize": "prijs; cadeaubon; loterij; iphone; cadeaukaart",
        "claim": "claim uw; claim je; beantwoord .. vragen; alleen verzendkosten; vul de enquete",
        "pressure": "alleen vandaag; nog maar; laatste kans; binnen 24",
    },
    "loan": {
        "loan": "lening*; geld lenen; krediet",
        "ease": "zonder bkr; bkr geen probleem; rente van; zonder onderpand; direct geld",
        "apply": "neem contact; vraag aan; mail ons",
    },
    "crypto": {
        "coin": "bitcoin*; cryptovaluta; handelsplatform",
        "gain": (
            "gegarandeerd rendement; gegarandeerde winst; verdubbel*; winst per dag; per dag winst"
        ),
        "balance": "uw saldo; opnemen; uitbetaling",
        "act": "registreer; meld je aan; meld u aan; storting van; beperkt aantal",
    },
    "pills": {
        "drug": "erectie*; potentie*; impotentie",
        "way": "zonder recept; discrete verzending; online apotheek",
        "claim": "laagste prijs; bestel nu; goedkoop",
    },
    "job_lure": {
        "job": "thuiswerk; thuis werken; bijverdien*; werken vanuit huis",
        "pay": "per dag; dagelijks uitbetaald; euro per dag",
        "ease": "geen ervaring; zonder ervaring; via je telefoon; # minuten",
        "contact": "whatsapp; telegram; stuur een bericht",
    },
    "extortion": {
        "watched": (
            "gehackt; webcam; gefilmd; pornosites; pornosite; volledige toegang; trojan*; "
            "je apparaat"
        ),
        "pay": "bitcoin*; btc; mijn wallet; maak .. over; betaal",
        "threat": (
            "al je contacten; uw contacten; je vrienden; je familie; stuur ik de video; openbaar"
        ),
        "clock": "48 uur; 24 uur; 72 uur; politie",
    },
    "credentials": {
        "trouble": (
            "geblokkeerd; tijdelijk geblokkeerd; opgeschort; verdachte activiteit; verloopt; "
            "mailbox is vol; beperkt"
        ),
        "confirm": (
            "bevestig uw; bevestig je; verifieer; werk uw; activeren; heractiveer*; log in; "
            "inloggen; update uw"
        ),
        "secrets": (
            "wachtwoord; uw rekening; uw account; uw gegevens; betaalrekening; bankpas; "
            "inloggegevens; creditcard; pincode"
        ),
        "urgency": "binnen 24 uur; binnen 48 uur; onmiddellijk; anders; direct; definitief",
        "click": "klik hier; onderstaande link; via de link",
        "stiff": "geachte klant; beste klant; geachte heer mevrouw; klantenservice",
    },
    "parcel_lure": {
        "parcel": "uw pakket; je pakket; pakket; zending",
        "stuck": (
            "kon niet worden bezorgd; niet bezorgd; vastgehouden; douane; wacht op; "
            "onvolledig adres"
        ),
        "fee": "verzendkosten; douanekosten; niet betaald; te betalen; betaal; invoerkosten",
        "act": "klik hier; plan; volg; onderstaande link",
        "pressure": "teruggestuurd; retour afzender; binnen 24; binnen 48; anders",
    },
    "fine_lure": {
        "due": (
            "openstaande schuld; openstaand bedrag; boete; belastingschuld; naheffing*; aanmaning"
        ),
        "pressure": (
            "deurwaarder; beslag*; laatste aanmaning; vandaag nog; binnen 24; te voorkomen"
        ),
        "pay": "betaal; betalen; ideal",
    },
}
