"""What is sold by spam: pills, copies, games of chance, diplomas, company. Data."""

from mailqueue.screening.topics.shape import LEGAL, Topic

PILLS = Topic(
    "pills",
    {
        "drug": (
            1.8,
            "viagra; cialis; levitra; tadalafil; sildenafil; kamagra; xanax; valium; "
            "phentermine; ambien; vicodin; tramadol; oxycodone; oxycontin; hydrocodone; "
            "adderall; ativan; klonopin; propecia; xenical; soma; meridia; prozac; zoloft; "
            "celebrex; ultram; fioricet; modafinil; ozempic; semaglutide; "
            "steroids; testosterone; "
            "erection; erectile; impotence; libido; "
            "impuissance; "
            "dysfonction erectile; erektion*; potenz*; potenzmittel; disfuncion erectil; "
            "impotencia; disfunzione erettile; impotenza; バイアグラ; 精力剤; ed治療薬",
        ),
        "enhance": (
            1.8,
            "male enhancement; penis enlarge*; enlarge your; bigger penis; herbal viagra; "
            "sexual performance; hgh; "
            "human growth hormone; growth hormone; enhancement pills; plus gros penis; "
            "penisverlangerung; alargar el pene; allungamento del pene",
        ),
        "way": (
            2.2,
            "no prescription; without prescription; without a prescription; no rx; "
            "no prior prescription; online pharmacy; canadian pharmacy; online drugstore; "
            "online doctor*; internet pharmacy; "
            "discreet packag*; discreet shipping; discreetly; shipped overnight; "
            "overnight shipping; fda approved; generic version; generics; "
            "sans ordonnance; pharmacie en ligne; livraison discrete; emballage discret; "
            "ohne rezept; rezeptfrei; online apotheke; diskret* versand; diskrete lieferung; "
            "sin receta; farmacia online; envio discreto; senza ricetta; farmacia online; "
            "spedizione anonima; 処方箋不要; 個人輸入",
        ),
        "claim": (
            1.6,
            "lowest price*; cheapest; cheap meds; cheap pills; cheap medication*; best price*; "
            "half price; off all; # off; satisfaction guaranteed; "
            "money back; moneyback; money back guarantee; guaranteed results; 100 natural; "
            "all natural; "
            "clinically proven; doctor* recommend*; miracle; amazing results; no side effect*; "
            "free trial; free bottle; free pills; bonus pills; risk free; order now; buy now; "
            "order today; per pill; per dose; last longer; "
            "prix imbattable*; prix bas; moins cher; 100 naturel; sans effet* secondaire*; "
            "commandez; satisfait ou rembourse; essai gratuit; "
            "gunstigste; gunstig kaufen; jetzt bestellen; 100 naturlich; keine nebenwirkungen; "
            "geld zuruck; kostenlose probe; "
            "precios bajos; mejor precio; compra ahora; sin efectos secundarios; prueba gratis; "
            "miglior prezzo; prezzi bassi; acquista ora; ordina ora; senza effetti collaterali; "
            "最安値; 激安",
        ),
    },
    most=6.0,
    core=(frozenset({"way", "enhance"}), frozenset({"drug", "enhance"})),
)

DIET = Topic(
    "diet",
    {
        "weight": (
            1.4,
            "lose weight; losing weight; weight loss; burn fat; burns fat; fat burn*; belly fat; "
            "shed pounds; lose .. pounds; lose .. lbs; lose inches; slim down; diet pill*; "
            "appetite; cellulite; metabolism; "
            "dietary supplement; cbd oil; cbd gummies; keto; "
            "wrinkle*; anti aging; aging; hair loss; younger; perdre du poids; perdez du poids; "
            "maigrir; perdre .. kilos; perdez .. kilos; brule graisse*; minceur; abnehmen; "
            "kilo abnehmen; fett verbrenn*; fettverbrenn*; "
            "bajar de peso; perder peso; quema grasa; perdere peso; dimagrire; brucia grassi; "
            "ダイエット; 痩せ; "
            "ozempic; mounjaro; semaglutide; kg in; lose # kg; perdre # kg; perdez # kg; "
            "belly",
        ),
        "claim": (
            2.0,
            "without diet*; without exercise; no exercise; no dieting; while you sleep; "
            "as you sleep; miracle; doctors hate; doctors don t; weird trick; "
            "one trick; this trick; shark tank; as seen on; seen on tv; "
            "clinically proven; "
            "sans regime; sans effort*; sans sport; en dormant; astuce; remede miracle; "
            "essai gratuit; sans frustration; ohne diat; ohne sport; im schlaf; geheimnis; "
            "kostenlos testen; "
            "sin dieta; sin esfuerzo; sin ejercicio; mientras duermes; truco; milagro; "
            "senza dieta; senza sforzo; trucco; miracolo; 飲むだけ; 運動なし; "
            "doctors are furious; salt trick; pink salt; before it is removed; "
            "before it s removed; without prescription; big pharma; les medecins; "
            "medecins sont furieux; arzte sind",
        ),
        # What every shop says of what it sells.
        "praise": (
            0.9,
            "guaranteed; money back; free trial; risk free; all natural; 100 natural; amazing; "
            "revolutionary; breakthrough; in .. days; in .. weeks; secret; free bottle; overnight; "
            "satisfait ou rembourse; geld zuruck; garantia; garanzia",
        ),
        "act": (
            0.9,
            "order now; order today; click here; buy now; try it; free shipping; limited supply; "
            "limited stock; while supplies; cliquez ici; commandez; decouvrez; stock limite; "
            "jetzt bestellen; hier klicken; klicken sie; solange der vorrat; "
            "haz clic; compra ahora; pide ahora; clicca qui; ordina ora; acquista; 今すぐ; "
            "初回限定; remove*; unsubscribe",
        ),
    },
    least=3,
    most=LEGAL,
    core=(frozenset({"weight"}),),
)

GAMBLING = Topic(
    "gambling",
    {
        "game": (
            1.4,
            "casino*; poker; roulette; blackjack; slots; slot machine*; betting; sportsbook; "
            "sports betting; online gambling; jackpot*; vegas; baccarat; pokies; "
            "paris sportifs; machines a sous; jeux d argent; spielautomat*; sportwetten; "
            "glucksspiel; tragaperras; apuestas; scommesse; slot machine; カジノ; パチンコ; "
            "judi; togel; situs slot; "
            "1win; 1xbet; mostbet; melbet; pinup; pin up casino; vavada; aviator game; "
            "online casinos; online kasino; casinos en ligne; casino en ligne; "
            "fixed match*; canli casino; canli bahis; bahis siteleri",
        ),
        "bonus": (
            2.0,
            "free spins; free spin; welcome bonus; deposit bonus; no deposit; first deposit; "
            "bonus code; match bonus; free chips; free bet*; free money; free play; # bonus; "
            "bonus up to; $ free; "
            "tours gratuits; bonus de bienvenue; bonus de depot; sans depot; premier depot; "
            "freispiele; willkommensbonus; ohne einzahlung; bonus ohne; einzahlungsbonus; "
            "giros gratis; tiradas gratis; bono de bienvenida; sin deposito; primer deposito; "
            "giri gratis; bonus di benvenuto; senza deposito; primo deposito; 入金不要; "
            "ボーナス; フリースピン; "
            "promo code; welcome offer; bonus in crypto; code promo casino; ohne lizenz; "
            "ohne limit; non aams; sans verification; sans wager; "
            "deneme bonusu; pay after win; guaranteed by insiders; odds # #; bez vkladu",
        ),
        "lure": (
            1.5,
            "play now; start playing; win big; big wins; big winner*; huge jackpot*; "
            "instant payout*; fast payout*; instant withdrawal*; real money; win real; "
            "win up to; real cash; vip club; high roller; payout*; sign up; register; join now; "
            "download; "
            "jouez maintenant; gagnez; argent reel; retrait immediat; gros gains; inscrivez; "
            "jetzt spielen; echtgeld; hohe gewinne; sofortauszahlung; gewinnen; juega ahora; "
            "gana; dinero real; registrate; "
            "gioca ora; vinci; soldi veri; iscriviti; 今すぐプレイ; 勝率; 稼ぐ; 今すぐ登録; "
            "daftar; get started; crypto deposits; real winnings; prelievi immediati; "
            "sofortauszahlung in; bet now; start betting; retraits rapides; inscrivez vous",
        ),
    },
    most=LEGAL,
    core=(frozenset({"game"}), frozenset({"bonus"})),
)

COPIES = Topic(
    "copies",
    {
        "goods": (
            1.6,
            "rolex; omega; cartier; breitling; louis vuitton; gucci; prada; chanel; hermes; "
            "tag heuer; patek philippe; ray ban; moncler; canada goose; ugg; nike; handbags; "
            "luxury watches; designer watches; "
            "montres de luxe; sacs de luxe; luxusuhren; relojes de lujo; orologi di lusso; "
            "borse di lusso; ロレックス; ルイヴィトン; シャネル; ブランド時計; windows xp; "
            "office xp; adobe; photoshop; norton; software titles; autocad; microsoft office",
        ),
        "copy": (
            2.6,
            "replica; replicas; fake watches; replica watches; identical to the original; "
            "indistinguishable; mirror image; aaa quality; aaa grade; outlet store; "
            "factory outlet; warehouse clearance; oem software; oem version*; "
            "oem; cracked; no license; repliques; replique de; copie parfaite; imitation; "
            "nachbildung; repliken; replika; replicas de; imitaciones; copia perfetta; repliche; "
            "imitazioni; コピー商品; スーパーコピー; n級品; コピー品",
        ),
        "price": (
            1.4,
            "cheap; cheapest; lowest price*; fraction of the; fraction of; # off; "
            "85 off; discount*; off retail; bargain; save up to; best price*; "
            "wholesale; prix casse*; pas cher; jusqu a; moins cher; remise; "
            "gunstig; rabatt; bis zu 80; bis zu 90; barato*; descuento*; rebaja*; sconti; "
            "scontati; economic*; 激安; 最安; 格安; 割引",
        ),
    },
    most=5.5,
    core=(frozenset({"copy"}),),
)

DIPLOMA = Topic(
    "diploma",
    {
        "paper": (
            1.8,
            "university diploma*; university degree*; diploma*; bachelor*; masters; mba; "
            "doctorate; phd; degree program; passport*; driver* license*; permis de conduire; "
            "fuhrerschein; reisepass; licencia de conducir; patente di guida; "
            "fake id; covid certificate; carte d identite; carte grise",
        ),
        "ease": (
            2.4,
            "no required tests; no tests; no classes; no examination*; no exam; no books; "
            "no interviews; no one is turned down; nobody is turned down; life experience; "
            "non accredited; prestigious non accredited; based on your; "
            "without exam; without test*; real registered; registered in the database; "
            "sans examen; sans passer; sans code; enregistre .. prefecture; ohne prufung; "
            "registriert; sin examen; registrado; senza esame; registrata; buy real",
        ),
        "act": (
            1.0,
            "call now; call 24; 24 hours; 7 days a week; confidentiality assured; "
            "confidentiality guaranteed; whatsapp; telegram; contact us; buy; obtain; receive a; "
            "within days; contactez; obtenez; achetez; kaufen; kontakt*; comprar; obtener; "
            "comprare; ottenere; contattateci",
        ),
    },
    least=3,
    most=5.5,
)

DATING = Topic(
    "dating",
    {
        "company": (
            1.5,
            "lonely; single women; singles in; singles near; hot singles; sexy singles; "
            "local singles; local girls; local women; sexy girls; hot girls; russian women; "
            "russian brides; ukrainian women; asian women; ukrainian brides; housewives; milf*; "
            "beautiful women; "
            "beautiful girl*; sexy woman; naughty; horny; flirt*; hookup; hook up; sugar daddy; "
            "sugar baby; affair; one night; femmes celibataires; celibataires pres; "
            "femmes seules; plan cul; plan q; rencontre* coquine*; rencontre* sans lendemain; "
            "belles femmes; femmes russes; "
            "einsame frauen; heisse frauen; single frauen; heisse singles; sexkontakte; "
            "seitensprung; mujeres solteras; solteras en; chicas calientes; chicas cerca; "
            "sexo esta noche; donne single; donne sole; ragazze calde; incontri piccanti; 人妻; "
            "セフレ; 出会い; 逆援; "
            "ich suche ein; ein treffen; treffen ohne; celibataire; cherche un homme; "
            "cherche homme; rencontres sans; photos coquines; busco hombre; cerco un uomo",
        ),
        "lure": (
            1.6,
            "near you; in your area; in your city; in your town; waiting for you; wants to meet; "
            "want to meet you; wants to chat; looking for a man; looking for men; "
            "looking for fun; private photos; my photos; my pictures; my profile; my webcam; "
            "my cam; my private; sent you a message; view my; see my; "
            "chat with me; talk to me; write me; reply to me; discreet*; no strings; "
            "no strings attached; tonight; pres de chez vous; pres de chez toi; t attend*; "
            "vous attend*; mes photos; mon profil; ma webcam; ce soir; discret*; "
            "sans engagement; t a envoye; "
            "in deiner nahe; in ihrer nahe; wartet auf dich; warten auf dich; meine fotos; "
            "mein profil; heute nacht; heute abend; diskret*; cerca de ti; te espera*; "
            "mis fotos; mi perfil; esta noche; sin compromiso; vicino a te; ti aspetta*; "
            "le mie foto; il mio profilo; stasera; senza impegno; 近所; 会いたい; 待って; 今夜; "
            "private fotos; privaten fotos; noch wach; mes photos coquines; sont ici; "
            "fotos privadas; foto private",
        ),
        "act": (
            1.2,
            "join free; free registration; free membership; sign up; sign up free; free access; "
            "100 free; click here; register; verify your age; 18 only; must be 18; over 18; "
            "adults only; inscription gratuite; inscris toi; clique ici; cliquez ici; gratuit; "
            "plus de 18; "
            "kostenlos anmelden; kostenlos; jetzt anmelden; klick hier; ab 18; registro gratis; "
            "registrate gratis; haz clic; mayores de 18; iscriviti gratis; gratis; clicca qui; "
            "maggiori di 18; 無料登録; 登録無料; 18歳; "
            "c est gratuit; kostenlos; sans inscription; free profile; unlock",
        ),
    },
    least=3,
    most=LEGAL,
)

TOPICS = (PILLS, DIET, GAMBLING, COPIES, DIPLOMA, DATING)
