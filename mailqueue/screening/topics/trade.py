"""Offers nobody asked for: search engines, web sites, lists of addresses, bulk mail. Data."""

from mailqueue.screening.topics.shape import LEGAL, Topic

SEO = Topic(
    "seo_offer",
    {
        "search": (
            1.6,
            "seo; search engine optimization; search engine optimisation; "
            "search engine ranking*; search engines; google ranking*; ranking on google; "
            "rank on google; rank higher; rank your; page one of google; "
            "first page of google; 1st page of google; top of google; page 1 of google; "
            "google first page; top 10 of google; organic traffic; website traffic; "
            "targeted traffic; web traffic; domain authority; domain rating; "
            "referencement; premiere page de google; premier sur google; position google; "
            "trafic qualifie; suchmaschinenoptimierung; erste seite bei google; "
            "ersten seite bei google; google platzierung; "
            "posicionamiento web; primera pagina de google; posicionamiento seo; "
            "prima pagina di google; posizionamento; seo対策; 検索順位; 上位表示; seo会社; "
            "semrush; semrush backlinks; ahrefs; moz; your da; country targeted; "
            "prima pagina; seo errors",
        ),
        "goods": (
            2.0,
            "backlinks; back links; link building; guest post*; sponsored post*; do follow; "
            "dofollow; high da; da 50; seo package*; seo service*; seo proposal; seo audit; "
            "seo expert*; white hat; visitors to your; visitors per; "
            "submit your site; submit your website; submission service; traffic package*; "
            "social signals; link insertion; forum profile*; web 2 0; website design service*; "
            "web design service*; redesign your; redesign of your; mobile app development; "
            "app development; "
            "liens entrants; netlinking; audit gratuit; refonte de votre; creation de site*; "
            "ruckverlinkung*; linkaufbau; webdesign angebot; enlaces de calidad; rediseno; "
            "auditoria gratuita; link di qualita; restyling del; analisi gratuita; 被リンク; "
            "無料診断; ホームページ制作; "
            "explainer video*; engaging video; second video; animated video*; "
            "sponsored article*; follow link; casino client; redesign websites; "
            "increase your da; da to; loads slowly; dr 50; liens de qualite; "
            "",
        ),
        "found": (
            1.6,
            "i was on your website; was looking at your website; visited your website; "
            "visiting your website; came across your website; found your website; "
            "found your site; went through your website; reviewed your website; "
            "checked your website; i noticed your; "
            "noticed that your website; noticed some; found some errors; number of errors; "
            "errors on your; your website is not; not ranking; your site is not; your website; "
            "your site; "
            "j ai visite votre site; parcouru votre site; consulte votre site; "
            "en visitant votre site; votre site n apparait; votre site internet; ihre webseite; "
            "ihre website; auf ihre webseite; besuch ihrer; su sitio web; visitado su; "
            "su pagina web; il vostro sito; il tuo sito; visitato il; 貴社サイト; "
            "御社のホームページ; 貴社のホームページ; サイトを拝見; "
            "looked at your site; looked at your; just visited; i checked; on your blog; "
            "hello webmaster; dear webmaster; vostro sito; non appare",
        ),
        "offer": (
            1.3,
            "affordable price*; affordable; reasonable price*; best price*; monthly package*; "
            "price list; send you a quote; send you our; send you a proposal; share the; "
            "free audit; free quote; free analysis; interested; let me know; "
            "if you are interested; are you interested; kindly reply; reply with your; "
            "guaranteed; money back; within 30 days; only $; for just $; starting at $; "
            "based in india; from india; business development; digital marketing; "
            "devis gratuit; prix abordable*; tarif*; interesse; unverbindlich*; gunstig*; "
            "angebot; interesse; presupuesto; precio*; interesado; preventivo; prezz*; "
            "interessat*; 格安; 月額; ご興味; 成果報酬; "
            "our plans; see our plans; from # per month; chat with us; "
            "full service agency; what is your price; we pay; the price list; "
            "siete interessati; prezzi economici; preventivo gratuito; just $",
        ),
    },
    least=3,
    most=LEGAL,
)

LISTS = Topic(
    "address_lists",
    {
        "list": (
            2.2,
            "email list*; e mail list*; mailing list*; email database*; contact database*; "
            "leads list*; list of leads; email addresses; e mail addresses; fresh e mail; "
            "fresh email; attendee* list; attendees list; contact list; contacts list; "
            "decision makers; b2b database*; verified contact*; verified email*; "
            "users list; industry list; base de donnees email*; fichier email*; "
            "fichier d adresses; adresses email; adressliste*; email adressen; e mail adressen; "
            "base de datos; bases de datos; lista de correos; elenco email; database email; "
            "indirizzi email; メールアドレスリスト; 名簿; "
            "bulk email; bulk mail*; bulk e mail; mass mailing; email blast; email marketing; "
            "extractor; harvest*; "
            "contact forms; feedback forms; communication forms; website forms; "
            "forms of feedback; commercial offer*; letters perfectly; database of companies; "
            "full database; base de emails",
        ),
        "size": (
            1.6,
            "million email*; million e mail*; million address*; million opt in; million fresh; "
            "million contacts; million people; millions of people; thousands of contacts; "
            "contacts available; counts; records; opt in; 100 deliver*; deliverab*; on cd; "
            "cd rom; cdrom; smtp; bullet proof; bulletproof; "
            "d adresses; contacts qualifies; qualifies; millionen; contactos; contatti; "
            "millones; milioni; 万件; 件のリスト; 95 accuracy; data fields; fields included; "
            "million messages; one million; 000 messages; millions of sites; million sites; "
            "million verified; all over the world; deliverable; sent to forms; to the inbox; "
            "",
        ),
        "offer": (
            1.2,
            "interested in acquiring; interested in purchasing; would you be interested; "
            "are you interested; pricing; price; cost; only $; for $; order now; order today; "
            "call now; buy; purchase; sample*; click here; achetez; prix; euros; kaufen; preis*; "
            "euro; comprar; precio; compra; prezzo; offerta; 円; 販売; let me know; your target; "
            "target audience; "
            "the cost of; test our service; contact us; write us; telegram; whatsapp; "
            "for only; free sample",
        ),
    },
    least=3,
    most=LEGAL,
)

# Said by bulk mail about itself; honest lists say some of it too.
BULK = Topic(
    "bulk_words",
    {
        "excuse": (
            1.6,
            "this is not spam; this is not a spam; not unsolicited; not an unsolicited; "
            "cannot be considered spam; can not be considered spam; can not be considered; "
            "cannot be considered; "
            "in compliance with; full compliance; bill 1618; s 1618; s1618; bill s 1618; "
            "title iii; hr 4176; congress shall; one time mailing; one time e mail; "
            "one time email; this is a one time; "
            "we respect your privacy; we honor all; we apologize for any inconvenience; "
            "apologize for the intrusion; sorry for the intrusion; "
            "if you received this .. error; received this email in error; "
            "received this message in error; "
            "your email was obtained; your address was obtained; obtained from; you opted in; "
            "opted in; opted to receive; requested to receive; have requested information; "
            "agreed to receive; partner web sites; our marketing partners; affiliates; "
            "sponsor of; "
            "ceci n est pas un spam; conformement a la loi; dies ist kein spam; "
            "este mensaje no es spam; no es spam; esto no es spam; questo non e spam; "
            "decreto legislativo; s 1618 titulo",
        ),
        "removal": (
            1.0,
            "to be removed; be removed; removed from; remove me; remove in the; "
            "remove in subject; remove as the; remove you; removal instructions; removal; "
            "remove yourself; to remove; for removal; to opt out; opt out; "
            "no longer wish to receive; do not wish to receive; not wish to receive; "
            "not want to receive; don t want to receive; stop receiving; future mailings; "
            "further mailings; future offers; future emails; never receive; "
            "word remove; word remove in; take you off; taken off; pour ne plus recevoir; "
            "keine weiteren; dejar de recibir; ser removido; eliminado de; non ricevere; "
            "cancellarti; 配信停止",
        ),
        "shout": (
            1.3,
            "act now; order now; call now; buy now; don t delay; don t wait; do not delete; "
            "don t delete; limited time; limited time offer; for a limited time; special offer; "
            "special promotion; once in a lifetime; as seen on; hurry; while supplies last; "
            "satisfaction guaranteed; money back; "
            "100 free; absolutely free; totally free; completely free; free free; free trial; "
            "free sample; free gift; free access; no obligation; no cost; no strings; no catch; "
            "no questions asked; what are you waiting for; why wait; call toll free; toll free; "
            "visa mastercard; visa .. mastercard; all major credit; credit cards accepted; "
            "risk free; you have nothing to lose; nothing to lose; amazing; incredible; "
            "unbelievable; dear friend; dear sir madam; offre limitee; offre speciale; "
            "nur fur kurze zeit; oferta limitada; offerta limitata; 期間限定; 今だけ",
        ),
        "wares": (
            1.4,
            "toner; toner cartridge*; ink cartridge*; inkjet; printer cartridge*; "
            "cable descrambler; descrambler*; cable tv; satellite tv; satellite system; "
            "free satellite; long distance; phone bill; vacation; time share; timeshare; "
            "travel club; life insurance; term life; insurance quote*; auto warranty; "
            "extended warranty; health insurance; hot tub; vitamin*; cigarettes; cigars; spy; "
            "spying; background check; find out anything; anything about anyone; detective; "
            "credit card processing; merchant account*; accept credit cards; stop smoking; "
            "snoring; psychic; horoscope; "
            "conference call*; web hosting; domain name*; .biz; .info; biz and info; fax; "
            "broadcast fax; copy dvd*; dvd copy; burn dvd*; "
            "inkjets; collagen",
        ),
    },
    least=3,
    most=3.6,
    at_home=1.0,
)

TOPICS = (SEO, LISTS, BULK)
