"""Words that no sentence does without, in the languages that are written with Latin letters. Data.

Without accents: English, French, German, Spanish, Italian, Portuguese, Dutch, Polish, Czech and
Slovak, Swedish, Norwegian and Danish, Finnish, Hungarian, Turkish, Romanian, Indonesian.
"""

_WORDS = """
a aan aber af ako al ale algo als am an anche and ao aos are as at att au auf aus aux av avec az
be bei bin bir bis bu but by bylo can care ce ces cette che chi ci cok com come como con csak cu
cuando czy da daha dai dal dalla dan dans dari das dat de degli dei del della delle dem den dengan
der des det deze di die din dit dla do door dos du e een egy ei ein eine einen el ella elle eller
ellos em en er era es ese est esta este et ett etta eu ez foi for fran from fur geen gibi gli ha
haben had hai han har has hat have hay heb hebben heeft het hij hoe hogy i ich icin if ihr ihre ik
ikke il ile ils im in ini inte io is ist it itu ja jag jak je jeg jest jsem jsou juz k kan ke kun
la las le lei les leur lo los lui ma maar mais mas me med meg men mes met mi mich mig mijn mina
mir mis mit mon muy my na naar nach nao nas ne nebo nei nel nella nem ni nicht nie niet niin no
noch nog non nos not notre nous nu nur o och od oder of og olen om on ons ook op or ou our out
ovat pa par para pas pe pela pelo pentru per pero piu po pod por pour pro que qui s sa sans sau se
sei ser ses seu si sich sie sin sina sind so som son sono sont su sua suo sur sus tai tak te tego
ten that the their there they this ti tidak til till to tot tra tu u uber uit um uma un una und
une uno uns untuk up usted uw uz v van var ve vi voce volt von voor vos votre vous w war was wat
we wenn were what wie wij will wir wird with wordt y ya yang you your z za ze zijn zo zu zum zur
"""

JOINTS = frozenset(_WORDS.split())
