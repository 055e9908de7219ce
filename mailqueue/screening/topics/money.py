"""Money for nothing: advance fees, prizes, loans, income, coins and shares. Data."""

from mailqueue.screening.topics.shape import LEGAL, Topic

ADVANCE_FEE = Topic(
    "advance_fee",
    {
        "riches": (
            2.0,
            "million dollars; million us dollars; million united states dollars; million usd; "
            "million euros; "
            "million pounds; million gbp; usd million; hundred thousand dollars; "
            "hundred thousand united; "
            "million d euros; millions d euros; millions de dollars; millionen euro; "
            "millionen dollar; "
            "millones de dolares; millones de euros; milioni di euro; milioni di dollari; "
            "us $ .. million; sum of us; sum of usd; sum of $; m usd; la somme de; "
            "somme de .. euros",
        ),
        "source": (
            1.6,
            "next of kin; inheritance fund*; unclaimed fund*; dormant account; abandoned fund*; "
            "deceased client; "
            "late husband; my late father; late client; died in a plane crash; "
            "died .. plane crash; died without a will; "
            "died intestate; plane crash; over invoiced; contract payment; overdue contract; "
            "foreign contractor; "
            "trunk box*; consignment box*; security company; security and finance company; "
            "deposited with a; "
            "beneficiary of the; unpaid beneficiar*; compensation fund; compensation payment; "
            "atm card; "
            "feu mon mari; mon defunt mari; defunt client; compte dormant; faire un don de; "
            "don de la somme; heritage de; "
            "leguer; cancer en phase terminale; phase terminale; maladie incurable; "
            "verstorbenen; erbschaft; nachlass; "
            "fondos de herencia; herencia; mi difunto esposo; eredita; mio defunto marito; "
            "numbered time deposit; proven funds; diplomatic courier; fund* .. transfer* out; "
            "estate of the late",
        ),
        "asker": (
            1.0,
            "barrister; attorney to; bank manager; branch manager; director of the; auditing; "
            "audit department; "
            "bill and exchange; foreign remittance; credit officer; chief accountant; widow; "
            "wife of the late; "
            "wife of late; son of the late; daughter of the late; god fearing; dear friend in; "
            "dear beloved; "
            "greetings to you in the name; dearest one; i am mrs; i am mr; my name is mr; "
            "my name is mrs; my name is dr; "
            "nigeria; nigerian national; lagos; burkina faso; ouagadougou; cote d ivoire; "
            "abidjan; sierra leone; "
            "benin republic; cotonou; democratic republic of congo; ghana; accra; dakar senegal; "
            "liberia; zaire; johannesburg; "
            "notaire; je m appelle mme; je suis mme; cher bien aime; bien aime en christ; "
            "rechtsanwalt; abogado; "
            "private investment office; un officer; us army; us military officer; in syria; "
            "in afghanistan; in iraq",
        ),
        "plea": (
            1.6,
            "foreign partner; foreign account; your bank account; foreign bank account; "
            "transfer the fund*; "
            "transfer of the fund*; transfer this money; transfer this fund*; claim the fund*; "
            "act as the next; "
            "stand as the next; assist me; your assistance; your kind assistance; "
            "your honest cooperation; your cooperation; "
            "mutual benefit; business proposal; business proposition; business relationship; "
            "percentage for you; "
            "of the total sum; for your assistance; of the total fund; will be for you; "
            "be for you; investment in your country; "
            "charity work; charity organization*; orphanage*; donate the; modality; modalities; "
            "remittance of; "
            "i decided to contact you; decided to contact you; got your contact; seek your; "
            "soliciting; solicit your; "
            "faire parvenir vos; me repondre sur; repondre a mon mail; votre compte bancaire; "
            "oeuvres de charite; "
            "personne de confiance; geschaftsvorschlag; ihre hilfe; su ayuda; "
            "propuesta de negocio; proposta d affari",
        ),
        "secret": (
            1.4,
            "strictly confidential; strict confidence; utmost confidence; utmost secrecy; "
            "highly confidential; "
            "top secret; keep this confidential; confidentiality of this; "
            "confidential .. transaction; risk free; "
            "hundred percent risk; 100 risk free; no risk involved; without any risk; "
            "legitimate transaction; "
            "private telephone; your private; direct telephone; your telephone and fax; "
            "phone and fax number*; "
            "full name*.. address .. phone; your full name*; en toute confidentialite; "
            "strictement confidentiel; "
            "streng vertraulich; estrictamente confidencial; strettamente confidenziale; "
            "urgent reply; reply urgently; "
            "get back to me; contact me through; contact me via; on receipt of your; "
            "your urgent response; "
            "reply .. private email; alternative email; my private email; immediate response",
        ),
    },
    least=3,
    at_home=1.0,
)

PRIZE = Topic(
    "prize",
    {
        "won": (
            1.8,
            "you have won; you won; you are a winner; you re a winner; lucky winner*; "
            "winning notification; award notification; "
            "winning number*; have been selected; has been selected; you ve been selected; "
            "been chosen; is the winner; "
            "congratulations you; congratulations your; you are the lucky; your email .. won; "
            "email address won; "
            "vous avez gagne; vous avez ete selectionne*; vous etes l heureux; heureux gagnant; "
            "felicitations vous; gros lot; "
            "sie haben gewonnen; herzlichen gluckwunsch sie; sie wurden ausgewahlt; "
            "wurden sie ausgewahlt; als gewinner; "
            "has ganado; ha ganado; ha sido seleccionado; has sido seleccionado; "
            "felicidades has; "
            "hai vinto; ha vinto; sei stato selezionato; e stato selezionato; 当選; "
            "おめでとうございます; "
            "lots gagnes; vous etes selectionne; "
            "sie sind ausgewahlt; fuiste seleccionado; sei stata selezionata",
        ),
        "prize": (
            1.3,
            "lottery; lotto; sweepstake*; prize; jackpot; iphone; gift card; giftcard; voucher; "
            "cash prize; free gift; free trip; "
            "free vacation; vacation package; free cruise; samsung galaxy; macbook; playstation; "
            "loterie; gros lot; bon d achat; carte cadeau; cadeau gratuit; lotterie; "
            "gutschein im wert; gewinnspiel; "
            "loteria; tarjeta regalo; premio; lotteria; buono regalo; 賞金; ギフト券; "
            "exclusive reward*; reward* .. survey; "
            "mystery box; mystery pallet; cadeaux; carte de transport; robot monsieur; "
            "thermomix; air fryer; power station; valise; caja misteriosa; "
            "relief grant; grant award; grant of; united nations",
        ),
        "claim": (
            1.4,
            "claim your; claim it; to claim; claim now; claims agent; processing your claim; "
            "file for your claim; collect your; "
            "confirm your prize; answer .. questions; short survey; quick survey; "
            "take the survey; complete the survey; "
            "participer au sondage; reclamez; reclamer votre; pour recevoir votre; "
            "recuperez votre; recuperer votre; "
            "jetzt einlosen; gewinn anfordern; jetzt abholen; umfrage teil; "
            "reclama tu; reclamar su; reclame su; "
            "encuesta; riscatta; richiedi il tuo; sondaggio; 今すぐ受け取; only pay shipping; "
            "pay .. shipping; frais de port; "
            "notre sondage; participer a notre; repondez au questionnaire; frais de port de; "
            "seuls les frais; a votre charge; kurze umfrage; versandkosten; solo los gastos; "
            "solo spese; breve sondaggio",
        ),
        "pressure": (
            0.9,
            "expires today; expires in; within 24 hours; within 48 hours; act now; last chance; "
            "hurry; limited number; "
            "only today; final notice; before midnight; expire aujourd hui; sous 24 heures; "
            "dernieres heures; derniere chance; "
            "nur heute; innerhalb von 24 stunden; letzte chance; solo hoy; ultima oportunidad; "
            "solo oggi; ultima possibilita; 本日限り; "
            "only # left; il reste; plus que; nur noch; quedan solo; ne restent",
        ),
    },
    most=LEGAL,
)

LOAN = Topic(
    "loan",
    {
        "loan": (
            1.4,
            "loan*; mortgage*; refinanc*; home equity; lender*; debt consolidation; "
            "consolidate your; credit card debt; "
            "cash advance; pret entre particulier*; pret d argent; offre de pret; credit rapide; "
            "rachat de credit*; "
            "kredit ohne; kreditangebot; privatkredit; darlehen; prestamo*; credito rapido; "
            "prestito; prestiti; "
            "out of debt; your debt*; your bills; unsecured credit; visa gold; credit repair; "
            "clean your credit; your credit report; "
            "project funding; business loan*; offre des prets; prets de; pret de; funding for; "
            "kredite von; prestamos entre; finanziamento",
        ),
        "ease": (
            1.8,
            "bad credit; no credit check*; no matter .. credit; regardless of .. credit; "
            "perfect credit; less than perfect; poor credit; "
            "credit problem*; turned down; instant approval; guaranteed approval; pre approved; "
            "pre approved loan; already approved; "
            "have been approved; you qualify; no collateral; without collateral; lowest rate*; "
            "lower rate*; low interest; rates as low; "
            "interest rate of; at 2 interest; at 3 interest; 3 interest rate; eliminate .. debt; "
            "reduce your; lower your .. payment*; no obligation; "
            "lower your monthly; cut your; save thousands; lenders compete; compete for your; "
            "sans justificatif*; sans refus; sans frais d avance; taux de 2; taux de 3; "
            "interdit bancaire; fiche bancaire; reponse en 24; "
            "taux d interet de; ohne schufa; ohne bonitat*; zinssatz von; sofortkredit; "
            "sofortzusage; sin aval; sin buro; interes del; tasa de interes del; "
            "senza busta paga; tasso di interesse del; anche a protestati; "
            "at # interest; # interest rate; interest rate annually; any amount; "
            "taux d interet; au taux de #; taux de #; fichees; fichees banque; fiche banque; "
            "personnes fichees; remboursables sur; zu # zinsen; interes anual",
        ),
        "apply": (
            1.1,
            "apply now; apply today; apply online; apply here; loan application; "
            "application form; fill out .. form; simple form; quick form; "
            "free quote; free consultation; no cost; call now; click here; contact us for; "
            "contact me for; contactez nous; contactez moi; contact par mail; "
            "merci de nous contacter; veuillez me contacter; kontaktieren sie; "
            "bewerben sie sich; contactenos; escribanos; contattateci; contattaci; "
            "60 seconds; one minute; takes .. minute*; pas serieux s abstenir; "
            "reply for more; commission to brokers; ecrivez moi; me contacter; "
            "schreiben sie mir; escribame; scrivimi; response en #; reponse en",
        ),
    },
    least=3,
    most=LEGAL,
)

INCOME = Topic(
    "easy_income",
    {
        "earn": (
            1.8,
            "make money; making money; earn money; extra income; extra cash; make $; earn $; "
            "earn up to; earn from home; make up to $; "
            "per week from; $ per day; $ a day; $ per week; a week from home; "
            "per month from home; residual income; passive income; "
            "financial freedom; financially free; financially independent; unlimited income; "
            "income potential; earning potential; "
            "six figure; five figure; thousand* of dollars; cash machine; be your own boss; "
            "own boss; work from home; work at home; "
            "home based business; home business; homeworker*; business opportunit*; "
            "ground floor; money making; get rich; millionaire*; "
            "gagner de l argent; gagnez jusqu; euros par jour; euros par mois; "
            "revenu* complementaire*; revenu* passif*; travail a domicile; travailler chez vous; "
            "independance financiere; liberte financiere; geld verdienen; euro pro tag; "
            "euro am tag; nebenverdienst; passives einkommen; von zu hause; "
            "ganar dinero; euros al dia; ingresos pasivos; trabajar desde casa; "
            "libertad financiera; guadagnare; guadagna; euro al giorno; lavora da casa; "
            "reddito passivo; "
            "副業; 不労所得; 日給; 月収; 稼げ; 高収入; "
            "weekly profit; chaque jour .. signaux; "
            "make your money work",
        ),
        "ease": (
            1.6,
            "no experience; without experience; no selling; no investment; no skills; "
            "anyone can; no employees; no inventory; "
            "no risk; risk free; guaranteed income; 100 legal; is legal; totally legal; "
            "perfectly legal; proven system; proven program; system works; secret of; secrets of; "
            "in your spare time; part time; autopilot; step by step; turnkey; "
            "success story; testimonial*; this really works; it really works; "
            "changed my life; quit your job; fire your boss; simple system; simple instructions; "
            "follow .. instructions; "
            "sans experience; sans investissement; sans effort*; sans risque; methode simple; "
            "ohne vorkenntnisse; ohne erfahrung; ohne risiko; automatisch; "
            "sin experiencia; sin riesgo; sin esfuerzo; senza esperienza; senza rischi; 誰でも; "
            "簡単に; スマホだけ",
        ),
        "act": (
            1.2,
            "free information; free info; free details; more information; for details; sign up; "
            "join now; join us; join today; register now; limited spots; spots left; "
            "toll free; call now; recorded message; 24 hour*; click here; reply with; "
            "send .. cash; mailing list*; order now; free report; free ebook; free book; "
            "money back; "
            "inscrivez vous; rejoignez; cliquez ici; places limitees; melden sie sich; "
            "jetzt starten; jetzt anmelden; klicken sie; registrate; haz clic; unete; iscriviti; "
            "clicca qui; unisciti; 無料登録; 今すぐ登録; line登録",
        ),
        "chain": (
            2.6,
            "chain letter; this is not a chain; multi level; mlm; downline; pyramid; "
            "five reports; report 1; report #1; 4 reports; each report; "
            "add your name; move the name; bulk email; email marketing is; gifting; "
            "cash gift*",
        ),
    },
    most=LEGAL,
    core=(frozenset({"earn", "chain"}),),
)

CRYPTO = Topic(
    "crypto",
    {
        "coin": (
            1.3,
            "bitcoin*; btc; ethereum; eth; crypto; cryptocurrenc*; usdt; tether; dogecoin; xrp; "
            "blockchain; nft; airdrop; "
            "cryptomonnaie*; kryptowahrung*; krypto; criptomoneda*; criptovalut*; ビットコイン; "
            "仮想通貨; 暗号資産; "
            "trading automatique; plateforme de trading; handelsplattform*; ki handels*; "
            "plataforma de trading; piattaforma di trading; forex; expert traders; "
            "copy trading; trading platform*; wallets; usdc; recovery phrase",
        ),
        "gain": (
            1.9,
            "transfer .. btc; btc transfer; btc waiting; unclaimed btc; unclaimed bitcoin; "
            "claim your bitcoin; "
            "claim your btc; withdraw now; guaranteed return*; guaranteed profit*; daily "
            "profit*; daily return*; "
            "return* of up to; double your; doubled; 10x; 100x; x100; profit* per day; "
            "profits in; "
            "huge profit*; high return*; trading bot; trading robot; ai trading; auto trading; "
            "trading platform; trading signal*; investment platform; invest .. $; invest just; "
            "invest only; minimum deposit; "
            "earn .. daily; earn .. weekly; earn up to; roi; rendement* garanti*; rendement* de; "
            "profit* garanti*; gains garantis; par jour; doublez vos; doubler votre; "
            "investir seulement; investissement de; "
            "garantierte rendite; garantierte gewinne; tagliche gewinne; verdoppeln; "
            "rentabilidad garantizada; ganancias diarias; duplica; "
            "rendimento garantito; guadagni garantiti; raddoppia; 必ず儲; 元本保証; 自動売買; "
            "倍になる; "
            "weekly profit; weekly profits; of gains; de gains par; euros de gains; "
            "gains par mois; € par mois; euro im monat; € im monat; double leur capital; "
            "de reussite; signaux crypto; copy our; guaranteed returns; "
            "vollautomatisch; verdienen nutzer; reich werden; al mes; al mese; "
            "algorithme investit; "
            "gane hasta; € al dia; euros al dia; guadagna fino; € al giorno; gagnez jusqu",
        ),
        "balance": (
            1.8,
            "your balance; your wallet .. contains; account balance of; available balance; "
            "transferred to your; credited to your; withdraw*; pending withdrawal; payout; "
            "unclaimed btc; unclaimed bitcoin; btc waiting; transfer* of .. btc; votre solde; "
            "retirez; retirer vos; en attente de retrait; auszahlung; guthaben; "
            "retirar; tu saldo; saldo disponible; prelevare; il tuo saldo; mining account; "
            "cloud mining; 出金; 残高; "
            "your allocation; airdrop; token airdrop; eligible for the; withdraw $; "
            "einzahlung",
        ),
        "theft": (
            2.4,
            "seed phrase; recovery phrase; secret phrase; connect your wallet; connect wallet; "
            "verify your wallet; validate your wallet; wallet validation; wallet .. suspended; "
            "wallet .. deactivated; "
            "synchroni* your wallet; phrase de recuperation; "
            "verifiez votre portefeuille; wallet verifizieren; frase semilla; "
            "verifica tu wallet; frase di recupero; private key*; "
            "# word recovery; wallets must be verified; wallet will be restricted; "
            "enter your recovery",
        ),
        "act": (
            1.0,
            "sign up; register now; join now; join our; telegram; whatsapp; click here; "
            "limited spots; get started; claim now; claim your; claim; cliquez ici; "
            "inscrivez vous; commencez; "
            "jetzt registrieren; jetzt starten; jetzt anmelden; registrate; empieza; iscriviti; "
            "inizia ora; 今すぐ; 無料登録; investor*; elon musk; "
            "begrenzte platze; rejoignez notre; start now; "
            "intelligence artificielle; before the window; plazas limitadas; posti limitati; "
            "invest $; groupe whatsapp; chat whatsapp; "
            "inteligencia artificial; intelligenza artificiale; kunstliche intelligenz; "
            "registrese hoy",
        ),
    },
    most=6.0,
    core=(frozenset({"coin", "theft"}), frozenset({"gain", "theft"})),
    is_warned_of=True,
)

SHARES = Topic(
    "shares",
    {
        "share": (
            1.4,
            "otc; otcbb; otc bb; pink sheets; nasdaq; penny stock*; stock alert; stock pick*; "
            "hot stock; stock symbol; symbol; trading symbol; ticker; microcap; small cap; "
            "stock profile; "
            "undervalued; shares of; investor alert; investors",
        ),
        "rise": (
            2.0,
            "strong buy; buy rating; explosive; explode; target price; price target; "
            "short term target; day target; set to soar; "
            "huge news; insider*; "
            "before it soars; don t miss; watch this stock; watch it; trade alert; get in now; "
            "get in before; gain* of; up over; triple digit; massive",
        ),
        "notice": (
            1.6,
            "forward looking statements; forward looking; not a registered; not an offer to; "
            "information purposes only; was compensated; been compensated; compensated; "
            "safe harbor; securities act; paid advertisement; investment advice",
        ),
    },
    least=3,
    most=LEGAL,
    core=(frozenset({"share"}), frozenset({"rise"})),
)

TOPICS = (ADVANCE_FEE, PRIZE, LOAN, INCOME, CRYPTO, SHARES)
