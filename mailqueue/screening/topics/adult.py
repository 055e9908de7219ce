"""Pornographic terms by language: whole words, scored by how dense they stand. Data.

Words with a medical, legal or everyday sense ("sex", "nude", "escort") are weak: they count a third,
and never alone.
"""

STRONG = (
    "porn; porno; pornography; pornstar*; xxx; hardcore; blowjob*; cumshot*; creampie; gangbang; "
    "milf*; pussy; pussies; cunt*; "
    "dick; cock; cocks; cum; anal sex; oral sex; threesome; hentai; fuck*; deepthroat; handjob; "
    "bukkake; shemale*; slut*; whore*; dildo*; busty; "
    "horny; nympho*; camgirl*; webcam girls; live sex; sex tape; sex video*; sex chat; sex cam*; "
    "adult video*; barely legal; lolita*; incest; jerk off; upskirt; voyeur; "
    "porno gratuit; baise; baiser une; salope*; chatte; bite; levrette; sodomie; fellation; "
    "ejac*; partouze; beurette*; cochonne*; coquine*; jouir; sexe gratuit; sexe hard; plan cul; "
    "ficken; fick; fotze; muschi; schlampe*; geile; geil; wichsen; blasen; arschfick; titten; "
    "pornofilm*; sexfilm*; sextreffen; votze; "
    "follar; coño; polla; pollas; puta; putas; tetas; mamada*; corrida; zorra*; guarra*; "
    "sexo gratis; sexo duro; videos porno; culazo; "
    "scopare; scopata; figa; cazzo; troia; troie; zoccola; pompino*; sborrata*; tette; "
    "inculata*; sesso gratis; video porno; "
    "無修正; エロ動画; アダルト動画; 中出し; フェラ; 巨乳; 人妻; 熟女; 痴女; オナニー; セックス; av女優; 素人娘; 色情; 成人视频; "
    "порно; секс видео; трах*; шлюх*"
)
WEAK = (
    "sex; sexe; sexo; sesso; sexy; sexual; nude; nudes; naked; erotic*; erotique*; erotisch*; "
    "erotico*; adult; adults only; escort*; escorts; tits; boobs; ass; asses; teens; lesbian*; "
    "orgasm*; fetish; bondage; strip*; lingerie; hot girls; hot babes; babes; "
    "webcam; voluptuous; naughty; seduct*; nue; nues; sensuel*; fesses; seins; nackt; nackte; "
    "titty; nackten; desnud*; nuda; nude; nudi; culo; kinky; swinger*; libertin*; masturb*; "
    "penis; vagina; 裸; 不倫; エロ"
)
