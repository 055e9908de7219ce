"""Pornographic terms by language: whole words, scored by how dense they stand. Data.

Words with a medical, legal or everyday sense ("sex", "nude", "escort") are weak: they count a
third, and never alone.
"""

STRONG = (
    "porn; porno; pornography; pornstar*; xxx; hardcore; blowjob*; cumshot*; creampie; gangbang; "
    "milf*; pussy; pussies; cunt*; "
    "anal sex; oral sex; threesome; hentai; fuck*; deepthroat; handjob; "
    "bukkake; shemale*; slut*; whore*; dildo*; busty; "
    "horny; nympho*; camgirl*; webcam girls; live sex; sex tape; sex video*; sex chat; sex cam*; "
    "adult video*; barely legal; incest; jerk off; upskirt; voyeur; "
    "porno gratuit; baise; salope*; sodomie; fellation; "
    "ejac*; partouze; beurette*; sexe gratuit; sexe hard; plan cul; "
    "ficken; fick; fotze; schlampe*; wichsen; arschfick; titten; "
    "pornofilm*; sexfilm*; sextreffen; votze; "
    "follar; coño; puta; putas; mamada*; "
    "sexo gratis; sexo duro; videos porno; culazo; "
    "scopare; scopata; cazzo; zoccola; pompino*; sborrata*; "
    "inculata*; sesso gratis; video porno; "
    "無修正; エロ動画; アダルト動画; 中出し; フェラ; 巨乳; 人妻; 熟女; 痴女; オナニー; "
    "セックス; av女優; 素人娘; 色情; 成人视频; "
    "порно; секс видео; трах*; шлюх*"
)
WEAK = (
    "dick; cock; cocks; cum; chatte; jouir; coquine*; geil; geile; muschi; tetas; polla; tette; "
    "figa; "
    "sex; sexe; sexo; sesso; sexy; sexual; nude; nudes; naked; erotic*; erotique*; erotisch*; "
    "erotico*; adult; adults only; escort*; escorts; tits; boobs; ass; asses; teens; lesbian*; "
    "orgasm*; fetish; bondage; strip*; lingerie; hot girls; hot babes; babes; "
    "webcam; voluptuous; naughty; seduct*; nue; nues; sensuel*; fesses; seins; nackt; nackte; "
    "titty; nackten; desnud*; nuda; nude; nudi; culo; kinky; swinger*; libertin*; masturb*; "
    "penis; vagina; 裸; 不倫; エロ"
)
