"""The words by which names of columns and tables are understood, in the singular.

Words are data: a concept is recognized by more names if its set has more words.
"""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


IDENTIFIER = _set("id code key uuid guid pk sk fk identifier ref hash")
NUMBER = _set("no num number nr")
"""Words that identify at the end of a name (`invoice_no`), and count at the begin (`num_items`)."""
QUALIFIER = _set("unique original raw internal external anonymous anonymized hashed masked main src source")
COUNT = _set("num number count n of qty quantity unit pieces cnt")

FLAG = _set("is has was had can should did flag indicator")
"""Words that begin the name of a yes or no."""
ROW = _set("row rowname rowid rownum index idx serial seq sequence unnamed")
"""Words of columns that number the rows of a file, and change when it is written again."""

USER = _set(
    "customer cust user client household member visitor shopper buyer consumer subscriber account person "
    "guest passenger patient viewer reader listener player cardholder"
)
USER_TABLE = USER | _set("demographic profile people crm")
PRODUCT = _set(
    "product prod item article sku upc ean gtin asin isbn movie film book track song game show anime good "
    "recipe course podcast episode"
)
PRODUCT_WEAK = _set("stock material part menu dish offer merchandise artist album")
PRODUCT_TABLE = PRODUCT | PRODUCT_WEAK | _set("catalog catalogue assortment")
TRANSACTION = _set("transaction basket order invoice receipt cart checkout purchase")
TRANSACTION_WEAK = _set("session ticket visit trip booking bill trx txn")

TIME = _set("timestamp datetime time date day ts dt at on when")
EVENT = _set(
    "transaction order purchase event sale sales created create occurred rated rating invoice visit played "
    "listen click view checkout bought sold trans hour redemption ordered purchased visited viewed clicked "
    "watched posted logged paid"
)
TIME_OF_OTHERS = _set(
    "birth born dob birthday release released due required ship shipped shipping delivery delivered end "
    "expire expiry expiration valid closed cancelled return returned update updated modified modify "
    "scheduled sched deleted approved estimated signup registered join since"
)

SALES = _set("revenue turnover gmv sales sale")
AMOUNT = _set("amount amt total subtotal net gross spend spent paid payment bill extended")
PRICE = _set("price fare fee charge")
VALUE = _set("value cost monetary")
CURRENCY = _set("usd eur gbp chf dollar euro pound local currency")
QUANTITY = _set("quantity qty count unit pieces cnt volume")
RATING = _set("rating score star rank ranking review vote like grade")
NOT_MONEY = (
    QUANTITY
    | RATING
    | _set(
        "number discount disc tax vat rate percent pct percentage ratio weight balance budget shipping "
        "coupon points age year month week day hour minute second distance size refund tip margin profit"
    )
)

CITY = _set("city town municipality")
PLACE = _set("location place")
REGION = _set("region district province county country area territory")
STATE = _set("state")
STORE = _set("store shop branch market outlet site postcode postal zip zipcode")

TITLE = _set("title name")
DESCRIPTION = _set("description desc label")
PROSE = _set("comment note text remark memo summary review content message")
CATEGORY = _set("category genre department dept")
CATEGORY_WEAK = _set("class group family type segment division line kind")
SUB = _set("sub subcategory subclass subgroup subdepartment")

PERSONAL = _set(
    "email mail phone telephone mobile fax address street birth dob birthday birthdate ssn passport surname "
    "firstname lastname gender sex age income salary iban ip race ethnicity religion marital"
)
"""Words of columns about persons, which are suggested as `sensitive` (BR-206)."""
PERSON_NAME = _set("first last full middle given family nick contact")

KNOWN = frozenset().union(
    IDENTIFIER, NUMBER, QUALIFIER, FLAG, ROW, USER_TABLE, PRODUCT_TABLE, TRANSACTION, TRANSACTION_WEAK,
    TIME, EVENT, TIME_OF_OTHERS, SALES, AMOUNT, PRICE, VALUE, CURRENCY, NOT_MONEY, CITY, PLACE,
    REGION, STATE, STORE, TITLE, DESCRIPTION, PROSE, CATEGORY, CATEGORY_WEAK, SUB, PERSONAL, PERSON_NAME,
)  # fmt: skip
