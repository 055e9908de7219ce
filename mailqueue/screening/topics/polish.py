"""Topics in Polish. Data, by rule and group."""

PHRASES: dict[str, dict[str, str]] = {
    "gambling": {
        "game": "kasyno; kasyna; kasyno online; automaty; ruletka; zaklady bukmacherskie; poker",
        "bonus": (
            "darmowych spinow; darmowe spiny; bonus powitalny; bez depozytu; bonus od depozytu; "
            "kod promocyjny"
        ),
        "lure": (
            "graj na prawdziwe; prawdziwe pieniadze; zarejestruj sie; graj teraz; "
            "szybkie wyplaty; wygraj"
        ),
    },
    "prize": {
        "won": (
            "wygrales; wygrala; wygrana; zostales wybrany; zostala wybrana; jako zwyciezca; "
            "gratulacje zostal*"
        ),
        "prize": "nagrode; nagroda; iphone; loteria; karta podarunkowa; bon",
        "claim": (
            "odbierz swoja; odbierz nagrode; odpowiedz na # pytania; odpowiedz na .. pytan*; "
            "zaplac tylko; wypelnij ankiete; za wysylke"
        ),
        "pressure": "tylko dzisiaj; wazna tylko; ostatnia szansa; w ciagu 24",
    },
    "loan": {
        "loan": "pozyczk*; kredyt; chwilowk*; oddluzeni*",
        "ease": "bez bik; bez zaswiadczen; bez sprawdzania; oprocentowanie #; decyzja w; od reki",
        "apply": "kontakt; zloz wniosek; napisz do; prosze o kontakt",
    },
    "crypto": {
        "coin": "bitcoin*; kryptowalut*; platforma inwestycyjna; platforma handlowa",
        "gain": (
            "gwarantowany zysk; gwarantowane zyski; podwoj*; zysk dzienny; zl dziennie; "
            "zl miesiecznie; zarabiaj"
        ),
        "balance": "twoje saldo; wyplac; wyplata srodkow",
        "act": "zarejestruj sie; dolacz; telegram; whatsapp; wplac",
    },
    "pills": {
        "drug": "viagra; cialis; potencj*; erekcj*",
        "way": "bez recepty; dyskretna wysylka; apteka online",
        "claim": "najnizsze ceny; zamow teraz; kup teraz; 100 naturaln*",
    },
    "job_lure": {
        "job": "praca zdalna; prace zdalna; praca z domu; pracy z domu; pol etatu; dorywcz*",
        "pay": "dziennie; wyplata codziennie; zl dziennie; zarobki",
        "ease": "bez doswiadczenia; elastyczne godziny; # minut dziennie; wystarczy telefon",
        "mule": "skan dowodu; numer konta; odbieranie paczek; przesylanie paczek",
        "contact": "whatsapp; telegram; napisz do nas; gmail com",
    },
    "extortion": {
        "watched": (
            "zhakowa*; nagral* cie; kamer*; pelny dostep; filmow dla doroslych; stron porno; "
            "twoje urzadzenie; zlosliwe oprogramowanie"
        ),
        "pay": "bitcoin*; btc; przelej; moj portfel; zaplac",
        "threat": (
            "twoich kontaktow; wszystkich kontaktow; wysle nagranie; opublikuj*; twoja rodzin*; "
            "twoi znajomi; znajomym"
        ),
        "clock": "48 godzin; 24 godzin; 72 godzin; na policje",
    },
    "credentials": {
        "trouble": (
            "zostalo zablokowane; zablokowan*; zawieszon*; podejrzanej aktywnosci; "
            "podejrzan* aktywnosc*; wygasa; skrzynka jest pelna"
        ),
        "confirm": (
            "potwierdz swoje; potwierdz dane; zaloguj sie; zaktualizuj; zweryfikuj; odblokuj; "
            "przywroc"
        ),
        "secrets": (
            "haslo; twoje konto; dane karty; numer karty; dane logowania; swoje dane; "
            "bankowosc internetow*"
        ),
        "urgency": (
            "w ciagu 24; 24 godzin; 48 godzin; natychmiast; w przeciwnym razie; trwal*; pilne"
        ),
        "click": "kliknij; ponizszy link; link ponizej",
        "stiff": "szanowny kliencie; drogi kliencie; szanowny uzytkowniku; dzial bezpieczenstwa",
    },
    "parcel_lure": {
        "parcel": "paczka; paczke; przesylk*; twoja paczka",
        "stuck": (
            "wstrzyman*; nie moze zostac; niepelnego adresu; niepelny adres; bledny adres; "
            "nie udalo sie dostarczyc; oczekuje; celn*"
        ),
        "fee": "doplac*; oplac*; # # zl; oplat*; zaktualizuj adres; potwierdz adres; zaplac",
        "act": "kliknij; link; sledz",
        "pressure": "wroci do nadawcy; w przeciwnym razie; w ciagu 24; w ciagu 48; zwrocon*",
    },
    "refund_lure": {
        "refund": (
            "zwrot podatku; zwrot srodkow; kupujacy zaplacil; zostalo oplacone; odebrac srodki; "
            "otrzymac srodki"
        ),
        "data": "dane karty; numer karty; karty platniczej; numer konta",
        "act": "kliknij tutaj; wypelnij formularz; podaj dane; odbierz",
    },
    "fine_lure": {
        "due": "mandat; zaleglosc*; niezaplacon*; komornik*; zadluzeni*",
        "pressure": "pod rygorem; w ciagu 24; natychmiast; egzekucj*; odciecie",
        "pay": "zaplac; oplac; ureguluj; karta; blik",
    },
}
