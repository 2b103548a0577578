"""What each language says for the marks it writes: tables, no rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stands:
    """What is said where something is only written, with its article."""

    link: str
    email: str
    code: str
    phone: str
    after_number: str
    """After "CPF", "tracking number": the thing was named."""
    after_thing: str
    """After "order", "boleto": the thing has the code."""
    after_colon: str
    after_is: str
    table: str
    snippet: str
    only: str
    """Said when everything is in the companion text."""


STANDS = {
    "pt": Stands(
        "o link que envio por escrito", "o e-mail que envio por escrito", "o código que envio por escrito",
        "o telefone que envio por escrito", "que envio por escrito", "com o código que envio por escrito",
        "vai por escrito", "o que envio por escrito", "A tabela vai por escrito.",
        "O trecho de código vai por escrito.", "Segue por escrito.",
    ),
    "en": Stands(
        "the link I am sending in writing", "the e-mail address I am sending in writing",
        "the code I am sending in writing", "the phone number I am sending in writing", "I am sending in writing",
        "with the code I am sending in writing", "it comes in writing", "the one I am sending in writing",
        "The table comes in writing.", "The code comes in writing.", "It comes in writing.",
    ),
    "es": Stands(
        "el enlace que le envío por escrito", "el correo que le envío por escrito",
        "el código que le envío por escrito", "el teléfono que le envío por escrito", "que le envío por escrito",
        "con el código que le envío por escrito", "va por escrito", "el que le envío por escrito",
        "La tabla va por escrito.", "El fragmento de código va por escrito.", "Se lo envío por escrito.",
    ),
    "zh": Stands(
        "我用文字发给您的链接", "我用文字发给您的邮箱", "我用文字发给您的号码", "我用文字发给您的电话号码",
        "，我用文字发给您，", "，我用文字发给您，", "我用文字发给您", "我用文字发给您的那个", "表格我用文字发给您。",
        "代码我用文字发给您。", "我用文字发给您。",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tongue:
    num2words: str
    decimal: str
    """The mark between units and decimals; the other one groups thousands."""
    point: str
    """How that mark is said."""
    percent: str
    minus: str
    to: str
    """Between the ends of a range."""
    to_hour: str
    by: str
    per: str
    times: str
    number: str
    joint: str
    """Between an amount and its hundredths."""
    signs: dict[str, str]
    units: dict[str, tuple[str, str]]
    money: dict[str, tuple[str, str, str, str]]
    """Mark -> one, many, one hundredth, many hundredths."""
    scales: dict[str, tuple[str, str]]
    """Written after an amount of money -> after one, after many."""
    rates: dict[str, str]
    """Written after a slash -> said."""
    months: tuple[str, ...]
    short_months: tuple[str, ...]
    date_cues: str
    """A pattern: after these words 2/3 is a day, elsewhere a fraction."""
    always: str
    """24/7."""
    fractions: dict[tuple[int, int], str]
    and_fraction: dict[tuple[int, int], str]
    """After a whole number."""
    abbreviations: dict[str, str]
    """As written, with the dot when it needs one -> said. Lower case matches any case."""
    days: dict[str, str]
    """Said in full only in pairs: "seg" alone may be a second."""
    roman_nouns: str
    regnal: str
    feminine: frozenset[str]
    """Nouns in the singular which one would otherwise misread after "1"."""
    masculine: frozenset[str]
    hour: Callable[[int, int, str], str] = field(repr=False)


def spaced_words(spaced: str) -> frozenset[str]:
    return frozenset(spaced.split())


def _hour_pt(hour: int, minute: int, half: str) -> str:
    from .words import cardinal

    hour = hour + 12 if half == "pm" and hour < 12 else 0 if half == "am" and hour == 12 else hour
    said_hour = {1: "uma", 2: "duas", 21: "vinte e uma", 22: "vinte e duas"}.get(hour) or cardinal(hour, "pt_BR")
    said = "zero hora" if hour == 0 else f"{said_hour} {'hora' if hour == 1 else 'horas'}"
    return f"{said} e {cardinal(minute, 'pt_BR')}" if minute else said


def _hour_es(hour: int, minute: int, half: str) -> str:
    from .words import cardinal

    said_hour = {1: "una", 21: "veintiuna"}.get(hour) or cardinal(hour, "es")
    said = f"{said_hour} y {cardinal(minute, 'es')}" if minute else said_hour
    part = {"am": " de la mañana", "pm": " de la tarde" if hour in (12, *range(1, 8)) else " de la noche"}
    return said + part[half] if half else (said if minute else f"{said} {'hora' if hour == 1 else 'horas'}")


def _hour_en(hour: int, minute: int, half: str) -> str:
    from .words import cardinal

    if not half:
        half, hour = ("am" if hour % 24 < 12 else "pm"), hour % 12 or 12
    said = cardinal(hour, "en")
    if minute:
        said += f" {'oh ' if minute < 10 else ''}{cardinal(minute, 'en')}"
    return f"{said} {half[0]} m"


_PT = Tongue(
    "pt_BR", ",", "vírgula", "por cento", "menos", "a", "às", "por", "por", "vezes", "número", "e",
    {"+": "mais", "=": "igual a", "&": "e", "/": "ou", "@": "arroba", "§": "parágrafo", "±": "mais ou menos"},
    {
        "kg": ("quilo", "quilos"), "g": ("grama", "gramas"), "mg": ("miligrama", "miligramas"),
        "mg/ml": ("miligrama por mililitro", "miligramas por mililitro"),
        "mg/mL": ("miligrama por mililitro", "miligramas por mililitro"),
        "mg/dL": ("miligrama por decilitro", "miligramas por decilitro"),
        "mg/dl": ("miligrama por decilitro", "miligramas por decilitro"),
        "mcg": ("micrograma", "microgramas"), "µg": ("micrograma", "microgramas"),
        "g/m²": ("grama por metro quadrado", "gramas por metro quadrado"),
        "km/l": ("quilômetro por litro", "quilômetros por litro"),
        "km/L": ("quilômetro por litro", "quilômetros por litro"),
        "mmHg": ("milímetro de mercúrio", "milímetros de mercúrio"),
        "bpm": ("batimento por minuto", "batimentos por minuto"),
        "km/h": ("quilômetro por hora", "quilômetros por hora"), "km": ("quilômetro", "quilômetros"),
        "km²": ("quilômetro quadrado", "quilômetros quadrados"), "m²": ("metro quadrado", "metros quadrados"),
        "m2": ("metro quadrado", "metros quadrados"), "m³": ("metro cúbico", "metros cúbicos"),
        "cm²": ("centímetro quadrado", "centímetros quadrados"), "m": ("metro", "metros"),
        "cm": ("centímetro", "centímetros"), "mm": ("milímetro", "milímetros"), "l": ("litro", "litros"),
        "L": ("litro", "litros"), "ml": ("mililitro", "mililitros"), "mL": ("mililitro", "mililitros"),
        "min": ("minuto", "minutos"), "seg": ("segundo", "segundos"), "s": ("segundo", "segundos"),
        "h": ("hora", "horas"),
        "°C": ("grau Celsius", "graus Celsius"), "°F": ("grau Fahrenheit", "graus Fahrenheit"),
        "TB": ("terabyte", "terabytes"), "GB": ("gigabyte", "gigabytes"), "MB": ("megabyte", "megabytes"),
        "KB": ("quilobyte", "quilobytes"), "Mbps": ("megabit por segundo", "megabits por segundo"),
        "V": ("volt", "volts"), "W": ("watt", "watts"), "kW": ("quilowatt", "quilowatts"),
        "kWh": ("quilowatt-hora", "quilowatts-hora"), "mAh": ("miliampere-hora", "miliamperes-hora"),
        "Hz": ("hertz", "hertz"), "MHz": ("megahertz", "megahertz"), "GHz": ("gigahertz", "gigahertz"),
        "ha": ("hectare", "hectares"), "un": ("unidade", "unidades"), "pol": ("polegada", "polegadas"),
        "″": ("polegada", "polegadas"),
    },
    {
        "R$": ("real", "reais", "centavo", "centavos"), "US$": ("dólar", "dólares", "centavo", "centavos"),
        "$": ("dólar", "dólares", "centavo", "centavos"), "€": ("euro", "euros", "centavo", "centavos"),
        "£": ("libra", "libras", "centavo", "centavos"), "¥": ("iene", "ienes", "centavo", "centavos"),
        "BRL": ("real", "reais", "centavo", "centavos"), "USD": ("dólar", "dólares", "centavo", "centavos"),
        "EUR": ("euro", "euros", "centavo", "centavos"),
    },
    {
        "mil": ("mil", "mil"), "mi": ("milhão de", "milhões de"), "bi": ("bilhão de", "bilhões de"),
        "milhão": ("milhão de", "milhões de"), "milhões": ("milhão de", "milhões de"),
        "bilhão": ("bilhão de", "bilhões de"), "bilhões": ("bilhão de", "bilhões de"),
    },
    {"mês": "mês", "ano": "ano", "dia": "dia", "semana": "semana", "hora": "hora", "h": "hora", "kg": "quilo",
     "g": "grama", "l": "litro", "L": "litro", "m²": "metro quadrado", "m": "metro", "un": "unidade",
     "unidade": "unidade", "pessoa": "pessoa", "noite": "noite", "diária": "diária", "par": "par"},
    ("janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
     "novembro", "dezembro"), (),
    r"dias?|em|até|desde|de|para|a|feira|segunda|terça|quarta|quinta|sexta|sábado|domingo",
    "vinte e quatro horas por dia, sete dias por semana",
    {(1, 2): "meio", (1, 3): "um terço", (2, 3): "dois terços", (1, 4): "um quarto", (3, 4): "três quartos"},
    {(1, 2): "e meio", (1, 3): "e um terço", (2, 3): "e dois terços", (1, 4): "e um quarto", (3, 4): "e três quartos"},
    {
        "sr.": "senhor", "sra.": "senhora", "srta.": "senhorita", "srs.": "senhores", "sras.": "senhoras",
        "dr.": "doutor", "dra.": "doutora", "prof.": "professor", "profa.": "professora", "av.": "avenida",
        "R.": "rua", "pça.": "praça", "etc.": "et cetera", "p. ex.": "por exemplo", "p.ex.": "por exemplo",
        "ex.:": "exemplo:", "pág.": "página", "págs.": "páginas", "tel.": "telefone", "cel.": "celular",
        "obs.:": "observação:", "obs.": "observação", "máx.": "máximo", "mín.": "mínimo",
        "aprox.": "aproximadamente", "qtd.": "quantidade", "apto.": "apartamento", "ap.": "apartamento",
        "cia.": "companhia", "ltda.": "limitada", "nº": "número", "n°": "número", "n.º": "número", "c/": "com",
        "p/": "para", "s/": "sem", "vc": "você", "vcs": "vocês", "e/ou": "e ou", "a.C.": "antes de Cristo",
        "d.C.": "depois de Cristo", "sáb.": "sábado", "sáb": "sábado", "dom.": "domingo", "seg:": "segunda:",
        "ter:": "terça:", "qua:": "quarta:", "qui:": "quinta:", "sex:": "sexta:", "dom:": "domingo:",
        "s/n": "sem número", "s/nº": "sem número", "s/n.º": "sem número", "c/c": "conta corrente", "S/A": "S A",
        "cj.": "conjunto", "conj.": "conjunto", "bl.": "bloco", "eng.": "engenheiro", "brig.": "brigadeiro",
        "cód.": "código", "ag.": "agência", "art.": "artigo", "arts.": "artigos", "desc.": "desconto",
        "tam.": "tamanho",
        "qtde": "quantidade", "ref.": "referência", "nasc.": "nascimento", "dr(a).": "doutor ou doutora",
        "sr(a).": "senhor ou senhora", "o kg": "o quilo", "por kg": "por quilo",
    },
    {"seg": "segunda", "ter": "terça", "qua": "quarta", "qui": "quinta", "sex": "sexta", "sáb": "sábado",
     "sab": "sábado", "dom": "domingo"},
    r"s[ée]culos?|cap[íi]tulos?|volume|vol\.|fase|parte|tomo|artigo|ato|n[íi]vel|tipo|categoria|etapa|m[óo]dulo|grupo"
    r"|classe|anexo|t[íi]tulo|se[çc][ãa]o|guerra mundial|mundial",
    r"Pedro|João|Paulo|Bento|Lu[íi]s|Carlos|Filipe|Felipe|Henrique|Elizabeth|Isabel|Manuel|Afonso|Leão|Pio|Maria|José"
    r"|Sebastião|Napoleão|Ricardo",
    spaced_words(
        "hora pessoa vez parcela semana unidade loja caixa peça xícara colher garrafa noite diária mensagem "
        "opção vaga via cópia compra tarefa camisa taça lata dúzia conta chave entrada foto página linha nota "
        "consulta sala mesa cadeira calça blusa bolsa reserva visita taxa polegada libra tonelada década "
        "aula dose doses foto fotos moto motos mão mãos pizza cor cores luz luzes lente lentes máscara fatura multa "
        "vacina filial filiais fase fases frase frases base bases classe classes flor flores dor dores pele peles "
        "fonte fontes irmã irmãs maçã maçãs manhã manhãs prótese próteses análise análises cruz cruzes ordem ordens "
        "nuvem nuvens cama toalha cerveja água torta fatia barra linguiça coxinha esfiha casa porta janela roda peça "
        "perna suíte suítes"
    ),
    spaced_words(
        "dias gramas quilogramas miligramas problemas sistemas programas temas mapas telefonemas planetas "
        "idiomas cinemas poemas esquemas diplomas aromas climas dramas atletas turistas motoristas dentistas "
        "artistas taxistas pijamas sofás mas pelas nas das para cada milhões bilhões cartões botões caminhões "
        "aviões portões balcões fogões colchões corações violões salões padrões grãos leões galões"
    ),
    _hour_pt,
)  # fmt: skip
_EN = Tongue(
    "en", ".", "point", "percent", "minus", "to", "to", "by", "per", "times", "number", "and",
    {"+": "plus", "=": "equals", "&": "and", "/": "or", "@": "at", "§": "section", "±": "plus or minus"},
    {
        "kg": ("kilogram", "kilograms"), "g": ("gram", "grams"), "mg": ("milligram", "milligrams"),
        "km/h": ("kilometer per hour", "kilometers per hour"), "mph": ("mile per hour", "miles per hour"),
        "km": ("kilometer", "kilometers"), "m²": ("square meter", "square meters"),
        "sq ft": ("square foot", "square feet"), "m³": ("cubic meter", "cubic meters"),
        "km²": ("square kilometer", "square kilometers"), "cm²": ("square centimeter", "square centimeters"),
        "m": ("meter", "meters"), "cm": ("centimeter", "centimeters"), "mm": ("millimeter", "millimeters"),
        "l": ("liter", "liters"), "L": ("liter", "liters"), "ml": ("milliliter", "milliliters"),
        "mL": ("milliliter", "milliliters"), "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"),
        "oz": ("ounce", "ounces"), "ft": ("foot", "feet"), "mi": ("mile", "miles"), "min": ("minute", "minutes"),
        "sec": ("second", "seconds"), "s": ("second", "seconds"), "hr": ("hour", "hours"), "hrs": ("hour", "hours"),
        "h": ("hour", "hours"),
        "°C": ("degree Celsius", "degrees Celsius"), "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
        "°": ("degree", "degrees"), "TB": ("terabyte", "terabytes"), "GB": ("gigabyte", "gigabytes"),
        "MB": ("megabyte", "megabytes"), "KB": ("kilobyte", "kilobytes"),
        "Mbps": ("megabit per second", "megabits per second"), "V": ("volt", "volts"), "W": ("watt", "watts"),
        "kW": ("kilowatt", "kilowatts"), "kWh": ("kilowatt hour", "kilowatt hours"),
        "mAh": ("milliamp hour", "milliamp hours"), "Hz": ("hertz", "hertz"), "MHz": ("megahertz", "megahertz"),
        "GHz": ("gigahertz", "gigahertz"), "″": ("inch", "inches"),
    },
    {
        "$": ("dollar", "dollars", "cent", "cents"), "US$": ("dollar", "dollars", "cent", "cents"),
        "USD": ("dollar", "dollars", "cent", "cents"), "€": ("euro", "euros", "cent", "cents"),
        "EUR": ("euro", "euros", "cent", "cents"), "£": ("pound", "pounds", "penny", "pence"),
        "GBP": ("pound", "pounds", "penny", "pence"), "R$": ("real", "reais", "centavo", "centavos"),
        "¥": ("yen", "yen", "sen", "sen"),
    },
    {
        "thousand": ("thousand", "thousand"), "million": ("million", "million"), "billion": ("billion", "billion"),
        "trillion": ("trillion", "trillion"), "K": ("thousand", "thousand"), "k": ("thousand", "thousand"),
        "M": ("million", "million"), "B": ("billion", "billion"),
    },
    {"month": "month", "mo": "month", "year": "year", "yr": "year", "day": "day", "week": "week", "hour": "hour",
     "hr": "hour", "h": "hour", "kg": "kilogram", "lb": "pound", "oz": "ounce", "night": "night", "person": "person",
     "unit": "unit", "item": "item", "user": "user", "m²": "square meter", "sq ft": "square foot"},
    ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
     "December"),
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept?", "Oct", "Nov", "Dec"),
    r"on|by|until|since|from|to|day|before|after|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday",
    "twenty four seven",
    {(1, 2): "one half", (1, 3): "one third", (2, 3): "two thirds", (1, 4): "one quarter", (3, 4): "three quarters"},
    {(1, 2): "and a half", (1, 3): "and a third", (2, 3): "and two thirds", (1, 4): "and a quarter",
     (3, 4): "and three quarters"},
    {
        "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz", "Dr.": "Doctor", "Prof.": "Professor", "Jr.": "Junior",
        "Sr.": "Senior", "etc.": "et cetera", "e.g.": "for example", "i.e.": "that is", "vs.": "versus",
        "approx.": "approximately", "w/o": "without", "w/": "with", "ext.": "extension", "dept.": "department",
        "appt.": "appointment", "apt.": "apartment", "Ave.": "Avenue", "Blvd.": "Boulevard", "max.": "maximum",
        "Inc.": "Incorporated", "and/or": "and or",
    },
    {"mon": "Monday", "tue": "Tuesday", "tues": "Tuesday", "wed": "Wednesday", "thu": "Thursday",
     "thurs": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday"},
    r"war|wars|chapter|part|phase|bowl|volume|vol\.|act|section|type|class|level|title|article|book|appendix|category",
    r"Henry|Elizabeth|Charles|George|Louis|Paul|Benedict|Edward|James|William|Richard|Philip|Pius|Leo|Mary|Napoleon",
    frozenset(), frozenset(), _hour_en,
)  # fmt: skip
_ES = Tongue(
    "es", ",", "coma", "por ciento", "menos", "a", "a", "por", "por", "veces", "número", "con",
    {"+": "más", "=": "igual a", "&": "y", "/": "o", "@": "arroba", "§": "párrafo", "±": "más o menos"},
    {
        "kg": ("kilo", "kilos"), "g": ("gramo", "gramos"), "mg": ("miligramo", "miligramos"),
        "km/h": ("kilómetro por hora", "kilómetros por hora"), "km": ("kilómetro", "kilómetros"),
        "km²": ("kilómetro cuadrado", "kilómetros cuadrados"), "m²": ("metro cuadrado", "metros cuadrados"),
        "m2": ("metro cuadrado", "metros cuadrados"), "m³": ("metro cúbico", "metros cúbicos"),
        "cm²": ("centímetro cuadrado", "centímetros cuadrados"), "m": ("metro", "metros"),
        "cm": ("centímetro", "centímetros"), "mm": ("milímetro", "milímetros"), "l": ("litro", "litros"),
        "L": ("litro", "litros"), "ml": ("mililitro", "mililitros"), "mL": ("mililitro", "mililitros"),
        "min": ("minuto", "minutos"), "seg": ("segundo", "segundos"), "s": ("segundo", "segundos"),
        "h": ("hora", "horas"),
        "°C": ("grado Celsius", "grados Celsius"), "°F": ("grado Fahrenheit", "grados Fahrenheit"),
        "TB": ("terabyte", "terabytes"), "GB": ("gigabyte", "gigabytes"), "MB": ("megabyte", "megabytes"),
        "KB": ("kilobyte", "kilobytes"), "Mbps": ("megabit por segundo", "megabits por segundo"),
        "V": ("voltio", "voltios"), "W": ("vatio", "vatios"), "kW": ("kilovatio", "kilovatios"),
        "kWh": ("kilovatio hora", "kilovatios hora"), "mAh": ("miliamperio hora", "miliamperios hora"),
        "Hz": ("hercio", "hercios"), "MHz": ("megahercio", "megahercios"), "GHz": ("gigahercio", "gigahercios"),
        "ha": ("hectárea", "hectáreas"), "ud": ("unidad", "unidades"), "uds": ("unidad", "unidades"),
        "″": ("pulgada", "pulgadas"),
    },
    {
        "€": ("euro", "euros", "céntimo", "céntimos"), "EUR": ("euro", "euros", "céntimo", "céntimos"),
        "$": ("peso", "pesos", "centavo", "centavos"), "MXN": ("peso", "pesos", "centavo", "centavos"),
        "US$": ("dólar", "dólares", "centavo", "centavos"), "USD": ("dólar", "dólares", "centavo", "centavos"),
        "R$": ("real", "reales", "centavo", "centavos"), "£": ("libra", "libras", "penique", "peniques"),
        "¥": ("yen", "yenes", "sen", "sen"),
    },
    {
        "mil": ("mil", "mil"), "millón": ("millón de", "millones de"), "millones": ("millón de", "millones de"),
        "M": ("millón de", "millones de"), "mil millones": ("mil millones de", "mil millones de"),
    },
    {"mes": "mes", "año": "año", "día": "día", "semana": "semana", "hora": "hora", "h": "hora", "kg": "kilo",
     "g": "gramo", "l": "litro", "L": "litro", "m²": "metro cuadrado", "m": "metro", "ud": "unidad",
     "unidad": "unidad", "persona": "persona", "noche": "noche"},
    ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
     "noviembre", "diciembre"), (),
    r"día|el|al|del|hasta|desde|lunes|martes|miércoles|jueves|viernes|sábado|domingo",
    "veinticuatro horas al día, siete días a la semana",
    {(1, 2): "medio", (1, 3): "un tercio", (2, 3): "dos tercios", (1, 4): "un cuarto", (3, 4): "tres cuartos"},
    {(1, 2): "y medio", (1, 3): "y un tercio", (2, 3): "y dos tercios", (1, 4): "y cuarto", (3, 4): "y tres cuartos"},
    {
        "sr.": "señor", "sra.": "señora", "srta.": "señorita", "sres.": "señores", "dr.": "doctor", "dra.": "doctora",
        "prof.": "profesor", "ud.": "usted", "uds.": "ustedes", "vd.": "usted", "avda.": "avenida", "av.": "avenida",
        "C/": "calle", "c/u": "cada uno", "pág.": "página", "págs.": "páginas", "tel.": "teléfono", "núm.": "número",
        "n.º": "número", "nº": "número", "n°": "número", "etc.": "etcétera", "p. ej.": "por ejemplo",
        "p.ej.": "por ejemplo", "ej.:": "ejemplo:", "aprox.": "aproximadamente", "máx.": "máximo", "mín.": "mínimo",
        "dto.": "descuento", "dpto.": "departamento", "EE. UU.": "Estados Unidos", "EE.UU.": "Estados Unidos",
        "EEUU": "Estados Unidos", "y/o": "y o", "L-V": "lunes a viernes", "sáb.": "sábado", "a. C.": "antes de Cristo",
        "d. C.": "después de Cristo", "col.": "colonia",
    },
    {"lun": "lunes", "mar": "martes", "mié": "miércoles", "mie": "miércoles", "jue": "jueves", "vie": "viernes",
     "sáb": "sábado", "sab": "sábado", "dom": "domingo"},
    r"siglos?|cap[íi]tulos?|volumen|vol\.|fase|parte|tomo|art[íi]culo|acto|nivel|tipo|categor[íi]a|etapa|m[óo]dulo"
    r"|grupo|clase|anexo|t[íi]tulo|secci[óo]n|mundial",
    r"Felipe|Alfonso|Carlos|Juan|Pablo|Pedro|Benedicto|Luis|Enrique|Isabel|Fernando|Pío|León|Napoleón|Jaime|Ricardo",
    spaced_words(
        "hora persona vez cuota semana unidad tienda caja pieza taza cucharada botella noche compra opción "
        "copia tarea camisa lata docena cuenta llave entrada foto página línea nota consulta sala mesa silla "
        "reserva visita tasa pulgada libra tonelada década habitación"
    ),
    spaced_words(
        "días problemas sistemas programas temas mapas planetas idiomas cines poemas esquemas diplomas aromas "
        "climas dramas atletas turistas dentistas artistas taxistas pijamas sofás kilogramas día mes año "
        "minuto segundo problema producto artículo pedido paquete cliente metro kilo par punto lugar correo "
        "código tono color piso litro gramo euro peso dólar coche niño adulto plato vaso sobre libro"
    ),
    _hour_es,
)  # fmt: skip
TONGUES = {"pt": _PT, "en": _EN, "es": _ES}

COMPARED = {
    "pt": {">": "acima de", "<": "abaixo de", ">=": "a partir de", "<=": "até"},
    "en": {">": "over", "<": "under", ">=": "from", "<=": "up to"},
    "es": {">": "más de", "<": "menos de", ">=": "desde", "<=": "hasta"},
    "zh": {">": "超过", "<": "低于", ">=": "至少", "<=": "最多"},
}
"""Signs before a number. Without their word a condition becomes another one."""
