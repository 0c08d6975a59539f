"""What tells payment cards and national ids from other numbers: words beside them, and forms they are written in."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.classify.cues import vocabulary

# Words as `cues.cue` takes them.
CARD = (
    "card* visa mastercard maestro amex american_express discover diners jcb unionpay pan cc credit* debit* karte* "
    "kreditkarte* carte* tarjeta* carta* cartão cartao kaart* creditcard* kort* karta* karty kartę pago kredi_kart* "
    "карт* カード 卡 信用卡 कार्ड بطاقة البطاقة"
)
ANY_COUNTRY = (
    "national_id* identity_card* identity_number* id_card* national_insurance* social_security* tax_id* tax_number* "
    "taxpayer* personal_number* 身份证* マイナンバー"
)
BY_ID: Mapping[str, str] = MappingProxyType(
    {
        "us_ssn": "ssn ssns social social_security* soc_sec itin tin taxpayer* seguro_social",
        "ca_sin": "sin social_insurance* nas assurance_sociale",
        "uk_nhs": "nhs national_health* patient*",
        "de_tax_id": "steuer* idnr identifikationsnummer* tin tax_id*",
        "fr_nir": "nir insee sécu* secu* sécurité_sociale*",
        "nl_bsn": "bsn burgerservice* sofi*",
        "be_nn": "rijksregister* registre_national* numéro_national* insz niss",
        "at_svnr": "svnr sv-nummer* sozialversicherung* versicherungsnummer*",
        "ch_ahv": "ahv* avs nss",
        "pt_nif": "nif contribuinte* fiscal*",
        "pl_pesel": "pesel*",
        "se_pnr": "personnummer* samordningsnummer* pnr",
        "fi_hetu_digit": "hetu* henkilötunnus*",
        "dk_cpr": "cpr* personnummer*",
        "no_fnr": "fødselsnummer* fodselsnummer* personnummer*",
        "cz_rc": "rodné_číslo* rodne_cislo* rodného_čísla",
        "ro_cnp": "cnp* cod_numeric*",
        "bg_egn": "егн egn",
        "gr_amka": "αμκα amka",
        "hr_oib": "oib*",
        "br_cpf": "cpf* cadastro*",
        "in_aadhaar": "aadhaar* aadhar* adhar* uidai uid आधार*",
        "cn_rid": "身份证* 身份證*",
        "jp_my_number": "my_number* マイナンバー* 個人番号*",
        "kr_rrn": "주민등록* 주민번호* rrn resident_registration*",
        "au_tfn": "tfn tax_file*",
        "tr_kimlik": "kimlik* tckn tc t.c.",
        "za_id": "id_number* id_no rsa_id* south_african*",
        "il_id": "teudat* תעודת_זהות ת.ז",
        "ru_snils": "снилс* snils",
        "cl_rut": "rut run",
    }
)
EVERY = vocabulary(CARD, ANY_COUNTRY, *BY_ID.values())

TO_FORM = str.maketrans("123456789", "000000000")
FORMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "us_ssn": ("000-00-0000",),
        "ca_sin": ("000-000-000",),
        "de_tax_id": ("00 000 000 000",),
        "be_nn": ("00.00.00-000.00",),
        "ch_ahv": ("000.0000.0000.00",),
        "se_pnr": ("000000-0000", "000000+0000", "00000000-0000"),
        "fi_hetu_digit": ("000000-0000",),
        "cz_rc": ("000000/0000",),
        "br_cpf": ("000.000.000-00", "000 000 000 00", "000-000-000-00"),
        "in_aadhaar": ("0000 0000 0000", "0000-0000-0000"),
        "kr_rrn": ("000000-0000000",),
        "ru_snils": ("000-000-000 00", "000-000-000-00"),
        "cl_rut": ("00.000.000-0", "0.000.000-0"),
    }
)
"""The forms that only such a number is written in, a `0` for each digit."""
EVERY_FORM = frozenset(form for forms in FORMS.values() for form in forms)
