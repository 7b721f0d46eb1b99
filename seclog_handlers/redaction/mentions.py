"""What the gate looks for: each name of vocabulary.py contains one of these, so most texts are read no closer."""

from __future__ import annotations

from collections.abc import Iterable

from seclog_handlers.redaction import languages, vendors, vocabulary

# Every name of vocabulary.py contains one of these, in lower case.
_LONG_WORDS = (
    "pass", "loginpas", "pwd", "pswd", "secret", "token", "apikey", "cred", "auth", "cookie", "csrf", "xsrf", "bearer",
    "mnemonic", "sessid", "sessionid", "sessionkey", "privkey", "privatekey", "secretkey", "accesskey",
    "encryptionkey", "signingkey", "masterkey", "accountkey", "storagekey", "sharedkey", "appkey", "licensekey",
    "consumerkey", "kennwort", "wachtwoord", "senha", "contrase", "haslo", "hasło", "parola", "heslo", "salasana",
    "adgangskode", "clave", "losenord", "lösenord",
    "пароль", "密码", "密碼", "口令", "パスワード", "비밀번호", "phonenumber",
    "mobilenumber", *languages.SECRETS, "creditcard", "cardnumber", "ccnum", "aadhaar", "aadhar", "personnummer",
    "codice", "identified", "telefon", "steuer", "sozialversicherungsnummer", "ausweis",
    "reisepass", "burgerservice", "zehut",
    "identifikationsnummer", "sonar", "geburt", "naissance", "nacimiento", "nascimento", "nascita", "geboorte",
    "fødselsnummer", "fodselsnummer", "şifre", "sifre", "community", "isikukood", "マイナンバー", "個人番号", "číslo",
    "cislo", "kodas", "kods", "szám", "henkil", "kennitala", "주민등록번호", "身份证", "身分證", "urodzenia",
    "生年月日",
    "出生日期", "рождения", "fødselsdato", "fodselsdato", "födelsedatum", "syntymäaika", "teléfono", "celular",
    "rufnummer",
    "mobilnummer", "puhelin", "電話", "电话", "手机", "전화", "телефон",
)  # fmt: skip
SHORT_WORDS = (
    *sorted(vendors.VENDORS), "york",
    "key", "keys", "pin", "pins", "puk", "pincode", "otp", "otps", "otpcode", "totp", "hotp", "cvv",
    "cvc", "cvn", "cvvcode",
    "ssn", "sid", "sess", "session", "sessions", "sig", "signature", "code", "codes", "jwt", "pat",
    "psw", "pword",
    "pw", "rootpw", *languages.PASSWORDS, "código", "codigo", "bindpw", "salt", "seed", "phrase", "psk", "answer",
    "answers", "basic", "digest", "negotiate", "phone", "phones", "mobile", "cell", "cellphone",
    "telephone", "tel",
    "msisdn", "fax", "whatsapp", "handy", "nino", "cpf", "pesel", "bsn", "curp", "dob", "birth", "birthdate",
    "birthday", "born", "iban", "ibans", "bban", "pan", "card", "dni", "nif", "nir", "rrn", "tin", "hmac", "sas",
    "invite", "invitation", "appid", "tan", "mtan", "stok", "ticket", "nonce", "verifier", "assertion", "number",
    "num", "security", "social", "tax", "national", "material", "license", "licence", "insee", "sécu", "secu",
    "kimlik", "itin", "crumb", "nr", "sociale", "idnr", "cnpj", "tfn", "cpr", "cuit", "cuil",
    "ahv", "nric", "hkid",
    "ppsn", "tckn", "geboren", "nacido", "nacida", "nascido", "nascida", "cid", "rut",
    "provided", "verification", "response", "cnp", "oib", "egn", "emšo", "emso", "jmbg", "hetu", "amka", "nato",
    "nata", "née", "né", "tél", "ntlm", "nhs", "geb", "macaroon", "medicare", "account", "bank", "identity",
)  # fmt: skip

# A name may go on after a space with these: `session id`, `social security number`.
AFTER_WORDS = frozenset({
    "id", "key", "keys", "code", "codes", "number", "phrase", "psk", "answer", "token", "password", "card",
    "identifier", "security", "word", "header", "insurance", "license", "licence", "no", "hash",
    "cookie", "account",
    "of", "číslo", "cislo", "kodas", "kods", "szám", "urodzenia", "рождения", "le", "il", "date",
}) | languages.AFTER_WORDS  # fmt: skip


def _glued(phrases: Iterable[str]) -> tuple[str, ...]:
    """Return phrases as camelCase glues them in lower case, where none of the words above is to be seen: nationalid."""
    glued = {phrase.replace(" ", "") for phrase in phrases if " " in phrase and phrase.isascii()}
    return tuple(
        sorted(
            name for name in glued if not name.endswith(SHORT_WORDS) and not any(word in name for word in _LONG_WORDS)
        )
    )


LONG_WORDS = (*_LONG_WORDS, *_glued((*vocabulary.PHRASES, *vocabulary.CODES, *vocabulary.NUMBERS)))
