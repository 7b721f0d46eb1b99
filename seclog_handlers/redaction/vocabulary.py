"""The words by which a key, in a mapping or in text, is known to name a secret, or to be about one."""

from __future__ import annotations

from seclog_handlers.redaction import languages

# Words that name a secret wherever they stand in a key, with the kind they are reported as.
STRONG: dict[str, str] = {
    **dict.fromkeys(
        (
            "password", "passwords", "passwd", "passwds", "pwd", "pswd", "psw", "passw", "pword", "passwrd",
            "passphrase", "userpassword", "passwort", "kennwort", "wachtwoord", "senha", "contrasena",
            "contraseña", "motdepasse", "haslo", "hasło", "parola", "heslo", "salasana", "adgangskode", "losenord",
            "lösenord", "пароль", "密码", "密碼", "口令", "パスワード", "비밀번호", "pgpassword", "rootpw", "bindpw",
            "clave", "şifre", "sifre", *languages.PASSWORDS,
            "rocommunity", "rwcommunity",
            "unixpass", "userpass", "dbpass", "sshpass", "requirepass", "masterauth", "authtok", "loginpas",
        ),
        "password",
    ),
    **dict.fromkeys(
        (
            "secret", "secrets", "credential", "credentials", "creds", "cred", "passkey", "mnemonic", "privkey",
            "privatekey", "secretkey", "sharedsecret", "clientsecret", "appsecret", "encryptionkey", "signingkey",
            "masterkey", "accountkey", "sharedaccesskey", "storagekey", "sharedkey", "keypass", "storepass",
            "srcstorepass", "deststorepass", "srckeypass", "destkeypass", "psk",
            *languages.SECRETS,
        ),
        "secret",
    ),
    **dict.fromkeys(
        (
            "token", "apikey", "apikeys", "accesskey", "accesstoken", "authtoken", "refreshtoken", "jwt",
            "csrf", "xsrf", "csrfmiddlewaretoken", "bearer", "apitoken", "authkey", "appkey", "pat", "oauthtoken",
            "idtoken", "sastoken", "stok", "authenticity", "licensekey", "consumerkey", "apisecret", "macaroon",
        ),
        "token",
    ),
    **dict.fromkeys(
        ("sessionid", "sessid", "jsessionid", "phpsessid", "aspsessionid", "sessionkey", "sessiontoken", "sessionhash"),
        "session",
    ),
    "tokens": "tokens",
    **dict.fromkeys(("cookie", "cookies", "setcookie", "httpcookie"), "cookie"),
    **dict.fromkeys(("authorization", "proxyauthorization", "authorisation"), "authorization"),
}  # fmt: skip

# Words next to each other (camelCase, snake, kebab, dotted or with spaces) that name a secret only together.
PHRASES: dict[str, str] = {
    **dict.fromkeys(
        (
            "override code", "rediscli auth", "nt hash", "lm hash", "ntlm hash",
            "auth pass", "ask pass", "askpass", "pass word", "pass wd", "pass phrase", "pass code", "mot de passe",
            "one time password", "unlock code",
        ),
        "password",
    ),
    **dict.fromkeys(
        (
            "isakmp key", "digest key", "wpa key", "wpa 2 key", "wpa 3 key", "wifi key", "wlan key",
            "decrypt key", "validation key", "private key", "secret key", "encryption key", "encrypt key",
            "decryption key", "signing key", "sign key",
            "master key", "account key", "shared key", "shared access key", "shared access signature", "storage key",
            "session secret", "hmac key", "hash salt", "aes key", "rsa key", "ssh key", "gpg key", "pgp key",
            "root key", "host key",
            "security answer", "secret answer", "security answers", "seed phrase", "recovery phrase", "mnemonic phrase",
            "wallet seed", "recovery key", "unseal key", "key material", "key data", "code verifier", "wep key",
            "wpa psk", "pre shared key", "preshared key", "tls key", "ssl key", "cookie key", "data key",
            "saml response", "saml assertion", "client assertion", "snmp community", "deploy key", "cipher key",
            "crypto key", "jwt key", "amz signature", "amz credential", "hub signature", "goog signature",
            "vapid key", "fernet key", "server community", "hmac sha",
            "recv key", "send key", "mppe key", "setup key", "luks key", "disk key", "volume key",
            "wireguard key", "wg key",
            "art api", "wordpress logged", "wordpress sec",
            "community string", "encryption primary key", "encryption deterministic key", "key base", "mac key",
            "transaction key", "store password",
            "enable secret", "enable password", "tacacs key", "radius key", "merchant key", "crypt key",
            "provisioning key", "network key", "zigbee key", "sas key", "logged in key", "nonce key",
            "role key", "node key", "wallet key", "sealing key", "derived key",
        ),
        "secret",
    ),
    **dict.fromkeys(
        (
            "api key", "api keys", "api secret", "access key", "access keys", "auth key", "app key", "application key",
            "license key", "licence key", "consumer key", "integration key", "ingest key", "ingestion key",
            "subscription key", "functions key", "function key", "server key", "write key", "admin key", "service key",
            "client key", "team key", "instrumentation key", "developer key", "x api key", "auth token",
            "activation key", "webhook key", "rest key", "gateway key", "org key", "user key", "dev key", "maps key",
            "sonar login", "signature provided", "jenkins crumb", "stripe key", "openai key", "sendgrid key",
            "twilio key", "anthropic key", "github key", "aws key",
            "google key", "azure key", "gcp key", "datadog key", "mailgun key", "cloudflare key", "algolia key",
            "plivo key", "heroku key", "slack key", "firebase key", "paypal key", "square key", "shopify key",
            "live key", "test key", "prod key", "security token", "request verification", "user code",
            "token auth", "remember token", "remember me token", "remember user token",
        ),
        "token",
    ),
    **dict.fromkeys(
        ("session id", "session key", "sess id", "connect sid", "php sessid", "session hash",
         "session identifier", "jsession id"),
        "session",
    ),
    **dict.fromkeys(("set cookie", "session cookie"), "cookie"),
    "user key file": "private-key",
    **dict.fromkeys(
        ("basic auth", "proxy auth", "http auth", "auth header", "auth basic", "x auth", "auth string",
         "auth data", "auth secret", "auth info"),
        "authorization",
    ),
}  # fmt: skip

# Numbers are secrets under these, too: PINs, one-time codes, card checks.
CODES: dict[str, str] = {
    **dict.fromkeys(("pin", "pins", "puk", "pincode", "otp", "otps", "totp", "hotp", "otpcode", "passcode",
            "passcodes", "tan", "mtan", "smstan"), "otp"),
    **dict.fromkeys(("cvv", "cvc", "cvn", "cvvcode"), "cvv"),
    **dict.fromkeys(
        (
            "pin code", "pin number", "otp code", "one time code", "one time pin", "verification code",
            "recovery code", "recovery codes", "backup code", "backup codes", "access code", "reset code", "login code",
            "confirmation code", "sms code", "mfa code", "fa code", "auth code", "authorization code",
            "authentication code", "authenticator code", "scratch code", "scratch codes", "totp code",
            "verify code", "activation code", "pairing code", "your code", "unlock pin", "door code", "mfa token",
            "two factor code", "whatsapp code", "ihr code", "dein code", "votre code", "ton code", "uw code",
            "oauth code", "alarm code", "disarm code", "setup code", "invite code", "device code", *languages.CODES,
        ),
        "otp",
    ),
    **dict.fromkeys(
        ("card verification", "card security", "security code", "card security code", "card code", "cc cid", "cc cvv",
         "cc cvc"),
        "cvv",
    ),
}  # fmt: skip

# What these name is personal when it carries digits: numbers of people, cards and accounts.
NUMBERS: dict[str, str] = {
    **dict.fromkeys(
        ("phone", "phones", "telephone", "mobile", "cell", "cellphone", "msisdn", "tel", "fax", "phonenumber",
         "whatsapp", "mobilenumber", "telefon", "telefone", "handy",
         "tél", "telefono", "teléfono", "celular", "handynummer", "telefonnummer", "rufnummer", "mobilnummer",
         "telefoon", "puhelin", "電話", "电话", "手机", "手机号", "전화", "телефон"),
        "phone",
    ),
    **dict.fromkeys(("wa id", "cell number", "mobile number", "fax number", "contact number"), "phone"),
    **dict.fromkeys(
        ("ssn", "nino", "rut",
         "aadhaar", "aadhar", "cpf", "pesel", "bsn", "curp", "nhs number", "tax id", "tin",
         "licence number", "license number",
         "tax number", "tax file number",
         "national id", "national insurance", "national identity", "social security", "drivers license",
         "driver license", "driving license", "driving licence", "drivers licence", "personnummer",
         "codice fiscale", "dni", "nif", "nir", "social insurance", "id card number", "sin number", "identity number",
         "steuer id", "idnr", "steuernummer", "steueridentifikationsnummer", "steuerliche identifikationsnummer",
         "sozialversicherungsnummer", "personalausweis nr", "personalausweisnummer", "ausweisnummer", "personalausweis",
         "fødselsnummer", "fodselsnummer", "cnpj", "tfn", "cpr", "cuit", "cuil",
         "ahv", "nric", "hkid", "ppsn", "tckn", "burgerservicenummer", "sécu", "secu", "sécurité sociale",
         "securite sociale",
         "nhs no", "cnp", "oib", "isikukood", "マイナンバー", "個人番号", "rodné číslo", "rodne cislo",
         "asmens kodas", "personas kods", "egn", "emšo", "emso", "jmbg", "taj szám", "henkilötunnus", "henkilotunnus",
         "hetu", "kennitala", "amka", "주민등록번호", "身份证", "身份证号", "身份证号码", "身分證", "medicare number",
         "kimlik no", "kimlik", "itin", "insee", "ssn last", "carta identita", "seguridad social",
         "my number", "national number", "pps number", "pps no", "teudat zehut"),
        "national-id",
    ),
    **dict.fromkeys(("passport", "passport number", "reisepassnummer", "reisepass"), "passport"),
    **dict.fromkeys(
        ("iban", "ibans", "bank account", "account number", "acct number", "acct num", "routing number", "sort code",
         "bban", "account no", "bank number"),
        "bank-account",
    ),
    **dict.fromkeys(
        ("card number", "card num", "card no", "credit card", "debit card", "cc number", "cc num", "pan", "cardnumber",
         "creditcard", "ccnumber", "ccnum", "payment card", "creditcardnumber"),
        "card",
    ),
    **dict.fromkeys(
        (
            "dob", "date of birth", "birth date", "birthdate", "birthday", "dateofbirth", "born", "geburtsdatum",
            "geburtstag", "geboren", "nacido", "nacida", "nascido", "nascida",
            "date de naissance", "fecha de nacimiento", "data de nascimento", "data di nascita",
            "geb", "geb am", "geboortedatum", "data urodzenia", "生年月日", "出生日期", "дата рождения",
            "fødselsdato", "fodselsdato",
            "födelsedatum", "syntymäaika", "née le", "né le", "nato il", "nata il",
        ),
        "birth-date",
    ),
}  # fmt: skip

# Words of many meanings: only a value that looks made by a machine is a secret under them.
WEAK: dict[str, str] = {
    **dict.fromkeys(
        ("key", "keys", "appid", "hmac", "salt", "sas", "sig", "signature", "seed"), "secret",
    ),
    **dict.fromkeys(("auth", "oauth", "apiauth"), "authorization"),
    **dict.fromkeys(("session", "sess", "sid", "sessions"), "session"),
    **dict.fromkeys(("code", "verifier", "assertion", "nonce", "ticket", "invite", "invitation"), "token"),
    **dict.fromkeys(("email", "mail"), "email"),
    "routing key": "api-key",  # PagerDuty's; RabbitMQ's is a word
}  # fmt: skip

# `pass`, `pw` are passwords as the last word of a key, but for these everyday meanings; glued to one of HEADS, too.
SHORT = frozenset({"pass", "pw", "pwd", "passe"})
SHORT_NOT_AFTER = frozenset(
    """
    first second third fourth last next previous final single multi two one each every all any test tests check checks
    boarding day season by high low band must will did does compile build render optimizer forward backward optimization
    mountain season free hall ski bus rail hit num total filter training render depth shadow dry quality gate
""".split()  # noqa: SIM905 - a wall of quotes hides the words
)
SHORT_HEADS = frozenset(
    """
    db database user smtp ftp sftp mail email imap root admin my sql mysql pg postgres ldap login auth bind proxy http
    https redis mongo rabbitmq amqp mqtt wifi key store keystore truststore cert ssh sudo new old current account client
    server service system vpn wp basic jdbc kafka oracle mssql api web remote master default test dev prod staging app
    owner priv repl replication backup repeat confirm set ipmi bmc snmp jenkins nexus docker registry git es elastic rpc
""".split()  # noqa: SIM905 - a wall of quotes hides the words
)

# A key that ends like this after its secret word speaks about the secret and does not hold it.
BENIGN_TAILS = frozenset(
    """
    mailer
    count counts counter counted length len size bytes type types kind name names label title field fields prompt
    placeholder changed change changes updated created issued at on expires expiry expire expired expiration
    expiring exp ttl age lifetime duration valid validity validated validate validation validator validators
    verified invalid is required requirement requirements rule rules policy policies status state strength score
    level hint hints url uri urls endpoint path paths file filename filepath dir directory folder store manager
    provider providers service source version versions rotation rotated rotator rotate resets attempts attempt
    failures failure failed error errors exception message limit limits usage used budget cost price rate per
    method mode scheme format prefix enabled disabled enable disable set present missing provided exists found
    algorithm alg algo iterations rounds encoder domain samesite httponly secure max min audience issuer scope
    scopes owner arn ref reference param parameter params page form view event events consent banner preferences
    notice accepted class classes function generator parser index offset position pos stream model map bucket
    pattern regex regexp
    window refill sent requested needed only total sum left remaining begin end start stop reset resetting recovery
    forgot protected protection guard handler middleware backend authenticator factory auth authentication login
    based less grant granted supported support optional match matches matched mismatch equal equals similarity
    complexity history entropy last4 four six lastfour masked redacted jar ids logged hashed encrypted deleted
    revoked refreshed renewed cleared consumed expiresin seconds ms minutes hours days time date timestamp interval
    timeout retries retry distribution processor tokenizer tokenized vocabulary vocab engine rotations audit log
    logs logging access inspector scanner detection detected leak leaks leaked finding findings input button header
    headers box dialog screen column columns table schema group groups category region location namespace binding
    mount mounted volume volumes management operator injector reader writer lister viewer helper util utils test
    tests spec docs module package import resolver extractor getter setter cache cached lookup loader key_name
    alias aliases description comment comments note notes tag tags list listed link_sent link_expired sync synced
    hasher hashers loaded scanned found migrated imported exported read written fetched pruned purged skipped injected
    encryption authn authz sign signin stdin fd entry interceptor holder sharing repository controller dao dto entity
    bean configuration properties impl listener registry supplier decoder adapter strategy wrapper mixin report rows row
    symbol santa result results requests statistics metrics metric scan
    origins hosts quota check checks from refs delay activation env envvar agent entries maps decision reason
    prefs exchange gateway worker workers daemon job jobs
    checked
    kid realm parsed accessed queried remaining_uses syncing ok success successful flag flags
""".split()  # noqa: SIM905 - a wall of quotes hides the words
)

# The same, less surely: what looks made by a machine is a secret all the same (`token_channel`, `secret_intent`).
MEASURES = frozenset(
    """
    bit bits kb mb gb kib mib gib pct percent percentage ratio histogram latency elapsed took delta memory parallelism
    priority weight rank capacity throughput decimals supply holders amount fee fees minted spent channel channels
    exempt exempted requestor requester approver reviewer meter estimator checker guesses wordlist dictionary reuse
    reused breach breached compromised pwned lockout locked unlocked blocked cooldown backoff grace stale visible
    visibility ui ux plugin plugins geändert geaendert gesetzt abgelaufen vergessen gewijzigd shown displayed toggle
    toggled focused clicked brand purpose intent attributes slot slots standard refreshes lookups hits misses creations
    issuances revocations logins reads writes cmd command script binary program info vault scanning
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)

# After these words an `id` is the secret itself (session_id, Vault's secret_id); after others it is a name.
ID_IS_SECRET = frozenset({"session", "sess", "secret", "cookie"})

# A key that starts like this, or has this right before its secret word, asks about the secret or counts it.
BENIGN_HEADS = frozenset(
    """
    audit has is no num number max maximum min minimum total count failed failing invalid missing expired wrong bad
    incorrect forgot forgotten change changing changed requires require required requiring needs need should can
    allow allowed allows enable enabled disable disabled use uses using used show hide remember validate validates
    check expect expected expects supports support without output completion cached remaining avg average mean per
    non nonempty cancellation unexpected lexer syntax stop eos bos pad special unk sep cls design page next
    continuation nextpage sync resume pagination cursor paging skip ignore ignored disallow force forces generate
    generated generates regenerate rotate rotated rotates revoke revoked revokes delete deleted update updated
    updates refreshes issue issues issued get gets fetch list lists store stores hash hashes compare send sends
    sent resend clear clears public publishable lookup parse tokenize fungible access_denied was were are did does
    will would could prompt_for prompts weak strong reasoning thinking audio image cacheread cachewrite n k top
""".split()  # noqa: SIM905 - a wall of quotes hides the words
)

# The same, less surely, as MEASURES.
MEASURING_HEADS = frozenset({"ask", "asks", "checksum"})

# Heads that are benign before `password` only: the key names an action, not a value.
PASSWORD_ACTIONS = frozenset({"reset", "recover", "recovery", "request", "requests", "first", "verify"})
# What such a word belongs to where it stands before `password` and is no action: of TR-069.
NOUNS = frozenset({"connection"})

# Several words with one of these are a sentence, not a passphrase.
SENTENCE_WORDS = frozenset(
    """
    is are was were be been must should required invalid cannot may might not has have had field expired missing too
    wrong incorrect characters least enter please contain contains provide provided does did changed updated reset
    mismatch mismatched blank empty denied failed error valid optional need needs least longer can't don't couldn't
    isn't
    doesn't won't wasn't aren't
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)

# Values that say something about a secret where the secret itself would stand.
STATUS_WORDS = frozenset(
    """
    want wanted got unchanged
    secrets requires expects anonymous access via per cli sensitive it they you we he she there
    none null nil undefined nan true false yes no on off ok okay n/a na unknown empty blank missing absent present
    invalid valid incorrect correct wrong bad good weak strong short long expired expires revoked required optional
    requested changed change updated reset set unset sent accepted denied rejected granted refused failed failure
    fail success successful succeeded error errors mismatch mismatched matched match matches disabled enabled
    locked unlocked active inactive pending confirmed verified unverified validated created deleted removed rotated
    refreshed renewed issued stored saved loaded found exceeded exhausted used unused reused consumed hidden masked
    redacted filtered scrubbed omitted withheld encrypted hashed not is was has been must should cannot can will
    may does did needs too already never longer only a an the for from of in at by to with without and or but if
    when while because this that your their his her its our my new old current previous next same different default
    auto manual public private authentication authorization authenticated unauthorized unauthorised authorized
    login logout session bearer basic digest token tokens password passwords secret string str int integer bool
    boolean bytes text object dict list array json type value field header cookie key any all some more than less
    minimum maximum least characters character chars digits letters symbols received provided supplied given
    specified configured checking validating validation check checks checked policy policies strength rotation
    expiration expiry refresh request requests response generator generation generated generate manager service
    endpoint introspection exchange bucket limit limits usage count cache cached lookup parsing parser parse
    unexpected expected near attempt attempts retry retries rate user users username account accounts admin name
    names file files path url uri id ids parameter argument option flag variable env environment pass passed skip
    skipped ignored ignore unsupported supported stolen leaked compromised exposed safe unsafe secure insecure
    plain plaintext protected vault hint hints prompt length format pattern complexity history age update updates
    upgrade change-password reset-password include omit same-origin dialog form page screen link email mail sms
    abgelaufen erforderlich ungültig ungueltig geändert geaendert zurückgesetzt vergessen gesperrt
    obligatoire requis requise expiré expirée modifié modifiée invalide
    caducada caducado obligatoria obligatorio requerida inválida inválido expirada expirado obrigatória alterada vencida
    scaduta scaduto obbligatoria obbligatorio errata errato wymagane wymagany wygasło nieprawidłowe
    未設定 未设置 期限切れ 必須 無効 已过期 必填 错误 无效 истёк истек неверный обязателен не
    suppressed concealed deprecated recovery forgot forgotten amd64 arm64 armhf i386 x86_64
""".split()  # noqa: SIM905 - a wall of quotes hides the words
)

# Words that do so in a sentence only: `password=reading` is a password.
REMARKS = languages.STATUS_WORDS | frozenset(
    """
    publickey instead cancelled dismissed passwd sudo could unable retype reenter creating destroying modifying
    ensure echo reading refreshing importing read write edit view signature
    raise return throw continue break print
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)

# What a sentence says of a secret behind `is`: `passwords are remembered`.
PREDICATES = frozenset(
    """
    case-sensitive remembered kept retained purged rehashed salted identical similar equal unchanged untouched recycled
    archived noncompliant compliant orphaned readable writable visible shown displayed copied pasted printed cracked
    guessed shared owned managed provisioned synchronized synced replicated migrated imported exported inherited
    successfully manually recently automatically remotely locally accidentally correctly incorrectly properly
    temporarily permanently immediately regularly frequently periodically previously publicly privately securely
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)
# What went wrong, behind the name of what asked for it: `secret: permission denied`.
ERRORS = frozenset(
    """
    permission permissions connection context deadline timed timeout forbidden unreachable network certificate
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)

# What JSON Schema and OpenAPI say of a value without showing one.
SCHEMA_WORDS = frozenset(
    """
    type format minLength maxLength pattern description title required nullable readOnly writeOnly deprecated items
    properties additionalProperties minimum maximum minItems maxItems uniqueItems contentEncoding $ref sensitive
    index store
    analyzer doc_values in name scheme bearerFormat flows openIdConnectUrl
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)

# Of what source code and error codes join: `user_input`, `password_too_common`; of other words a password may be made.
SOURCE_WORDS = frozenset(
    """
    self cls os config settings setting conf cfg options opts params args kwargs form data input inputs output raw val
    values var vars env environ request req response resp res body payload context ctx state props get set put post
    my your our the this db database ldap smtp imap redis mysql postgres http https api app web client server user
    users admin root account bind login auth pw pwd pass passwd passphrase key keys hash crypt cipher random gen make
    create build from to new old no not none common similar simple personal numeric entirely breached pwned reused
    attribute constraint validator blank short long min max one two
    """.split()  # noqa: SIM905 - a wall of quotes hides the words
)
