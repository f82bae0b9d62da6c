"""How a customer is asked for by name without giving the name away: 王先生, never 王小明. Pure."""

COMPOUND = frozenset(
    ("欧阳", "上官", "司马", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "令狐", "夏侯", "司徒")
)
# The hundred and some most frequent surnames: most of all people in China have one of them.
SINGLE = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
    "余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
    "庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐梅莫庄辛管祝左涂谷祁时舒耿牟卜"
    "路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边"
    "肖闫付佘"
)
TITLES = {"先生": "先生", "女士": "女士", "小姐": "女士", "太太": "女士"}


def salutation(name: str) -> str | None:
    """What to call the customer of that name: the surname and 先生 or 女士, as far as the record
    says which, else both. None: the record holds no Chinese name of a person.
    """
    name = "".join(name.split())
    title = next((TITLES[end] for end in TITLES if name.endswith(end)), "")
    bare = next((name.removesuffix(end) for end in TITLES if name.endswith(end)), name)
    if not 1 <= len(bare) <= 4 or not all("\u4e00" <= each <= "\u9fff" for each in bare):
        return None
    if len(bare) == 1 and not title:
        return None
    surname = bare[:2] if bare[:2] in COMPOUND else bare[:1]
    if len(surname) == 1 and surname not in SINGLE:
        return None
    return f"{surname}{title}" if title else f"{surname}先生或{surname}女士"
