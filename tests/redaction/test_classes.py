"""Classes of notation that independent rows showed to be missing, and what must stay beside them."""

from __future__ import annotations

import base64
import json

import pytest

from seclog_handlers import redact
from seclog_handlers.redaction import Redactor

redactor = Redactor()
SECRET = "kL9xQ2mW7z"

NOTATIONS = {
    "line break in a JSON string": '{{"doc": "user: bob\\nsession_id: {}"}}',
    "header in repr of bytes": "b'GET / HTTP/1.1\\r\\nAuthorization: Token {}\\r\\n'",
    "Cyrillic look-alike": "p\u0430ssword={}",
    "circled letters": "\u24df\u24d0\u24e2\u24e2\u24e6\u24de\u24e1\u24d3={}",
    "ODBC braces": "Server=x;Password={{{}}};Encrypt=true",
    "Oracle easy connect": "scott/{}@//host:1521/svc",
    "base64 after =": "state=" + base64.b64encode(b"user=bob&password=kL9xQ2mW7z").decode() + "{:.0}",
    "list form of mysql": "['mysql', '-p{}', 'db']",
    "list form of sshpass": '["sshpass", "-p", "{}", "ssh"]',
    "openssl -k": "openssl enc -aes-256-cbc -k {} -in a",
    "xfreerdp": "xfreerdp /u:bob /p:{} /v:host",
    "wpa_passphrase": "wpa_passphrase home {}",
    "useradd": "useradd -m -p '{}' bob",
    "trust store": "javax.net.ssl.trustStorePassword={}",
    "prose with a colon": "Your new password is: {}",
    "prose with verbs": "Password entered: {}",
    "prose in brackets": "password (plain): {}",
    "MySQL's first start": "A temporary password is generated for root@localhost: {}",
    "from and to": "password changed from Old1pass to {}",
    "reset for": "reset password to {} for bob",
    "pair": "credentials: bob / {}",
    "session": "session {}AbC12dEf expired",
    "config directive": "CONFIG SET requirepass {}",
    "netrc": "machine x\n login bob\n password abcdefgh{:.0}",
    "Basic auth object": "HTTPBasicAuth('bob', '{}')",
    "setter": "set_password('{}')",
    "SQL IN": "SELECT 1 FROM t WHERE token IN ('{}')",
    "SQL replace": "ALTER USER bob IDENTIFIED BY 'old1' REPLACE '{}'",
    "SQL set to": "ALTER ROLE app SET password TO '{}'",
    "multipart without quotes": "form-data; name=client_secret\n\n{}\n--b",
    "input before its name": '<input value="{}" type="password" name="password">',
    "comment": "//{} is the password",
    "letters alone, many": "with access token atSWNVytKeKQfduWSiIYpMaBMvgoNUQp{:.0}",
    "pair of Elasticsearch": "http_auth=('elastic', '{}')",
    "SASL PLAIN": "client in: PLAIN resp=" + base64.b64encode(b"\0bob\0kL9xQ2mW7z").decode() + "{:.0}",
    "system property": "-DprivateKey={}",
    "bracket in the password": "password=a1(B{}",
    "bracket in a quoted one": '{{"password": "a1B(x{}"}}',
    "tag of YAML": "password: !str {}",
    "SQL LIKE": "WHERE token LIKE '{}'",
    "value on the next line": "password =\n  {}\n",
    "names in a path": '{{"Name":"/prod/db/password","Type":"SecureString","Value":"{}"}}',
    "value with a longer name": '{{"ParameterKey":"DbPassword","ParameterValue":"{}"}}',
    "document in a JSON string": '{{"doc": "- name: password\\n  value: {}\\n"}}',
    "PHP define": "define( \"AUTH_KEY\", '{}' );",
    "PHP dump": "'pass' => string '{}' (length=10)",
    "PHP trace": "#1 /app/Auth.php(12): Auth->login('bob', '{}')",
    "connecting call": "new mysqli('h', 'root', '{}', 'shop')",
    "pydantic's error": "1 validation error for Login\npassword\n  Too long [type=x, input_value='{}', input_type=str]",
    "leaders": "HikariConfig - password...............................{}",
    "columns": "  password          {}",
    "user and p": "psexec -u bob -p {} cmd",
    "user and p in a list": "['docker', 'login', '-u', 'bob', '-p', '{}']",
    "LOGIN of IMAP": 'a001 LOGIN bob "{}"',
    "PASS of FTP": "USER bob\r\nPASS {}\r\n",
    "MONITOR of Redis": '1700000000.1 [0 127.0.0.1:1] "AUTH" "bob" "{}"',
    "ACL of Redis": "ACL SETUSER bob on >{} ~* +@all",
    "ssh-keygen": "ssh-keygen -t rsa -N '{}' -f id",
    "chpasswd": 'chpasswd <<< "bob:{}"',
    "PowerShell": 'ConvertTo-SecureString "{}" -AsPlainText -Force',
    "list in YAML": "password:\n  - {}\n  - Other12x",
    "form part with brackets": 'name="user[password]"\n\n{}\n--x',
    "said far away": "The generated password for the elastic built-in superuser is : {}AbC12",
    "said to be none": '"{}" is not a valid password for bob',
    "user/password": "username/password bob/{} rejected",
    "AUTH without a user": "redis cmd: AUTH {} from 10.0.0.1",
    "scheme of its own": "Authorization: HMAC-SHA256 {}AbC12dEf date",
    "Basic before a header": "Authorization: Basic Ym9iOmtMOXhRMm1XN3o= User-Agent: curl/8.1{:.0}",
    "WebSocket protocol": "Sec-WebSocket-Protocol: graphql-ws, bearer.{}AbC12dEfGh45",
    "attribute of an input": '<input type="hidden" name="csrf_token" value="{}"> form',
    "label in HTML": "<li><b>API key:</b> {}AbC12dEf</li> list",
    "sip dial": "Dial(PJSIP/trunk/+4930123456789,30{:.0})",
    "Go's DSN": "dsn=shop:2u@{}@unix(/tmp/mysql.sock)/shop",
    "URL without its colon": "bad url redis//:{}@cache:6379/0",
    "scheme without its colon": "cannot parse 'postgres//app:{}@db'",
    "Wi-Fi code": "WIFI:T:WPA;S:Office;P:{};;",
    "InfluxDB's query": "http://h:8086/write?db=m&u=telegraf&p={}",
    "SQL cipher": "SELECT pgp_sym_decrypt(data, '{}') FROM vault",
    "call that sets": "CALL dbms.security.changePassword('{}') ok",
    "archive": "7z x a.7z -p{}",
    "key chain": "security add-generic-password -a bob -s svc -w {}",
    "registry": "DefaultPassword    REG_SZ    {} Winlogon",
    "pulumi": "pulumi config set --secret dbPassword {}",
    "TACACS": "tacacs-server host 10.0.0.1 key {} aaa",
    "RADIUS": "(3) Login incorrect: [bob/{}] (from client ap1 port 0)",
    "Spring's binding": "Field error in object 'form' on field 'password': rejected value [{}];",
    "jsonschema": "ValidationError: '{}' is too short; On instance['password']",
    "IMAP refused": "imaplib.error: command LOGIN illegal: b'LOGIN bob {}'",
    "ioredis": "ReplyError: WRONGPASS {{ command: {{ name: 'auth', args: [ '{}' ] }} }}",
    "port that is none": "InvalidURL: nonnumeric port: '{}@ldap1.corp.local'",
    "OpenTelemetry": "Attributes:\n     -> db.password: Str({})\n",
    "percent and u": "escape password%u003D{}",
    "escaped slashes": '{{"dsn":"postgres:\\/\\/app:{}\\u0040db\\/shop"}}',
    "private part of a JWK": '{{"kty":"RSA","n":"x","d":"{}AbC12dEfGh45"}}',
    "PowerShell's encoded command": "powershell -enc "
    + base64.b64encode("$password='kL9xQ2mW7z'".encode("utf-16-le")).decode()
    + "{:.0}",
    "quoted passphrase": 'passphrase for key id_rsa is "lantern maple {}"',
    "hyphened passphrase": "wifi password correct-horse-battery-staple set{:.0}",
    "row with bars": "user|bob|password|{}|status|ok",
    ".pgpass": "db:5432:*:app:{} read",
    "refresh token of Azure": "msal cache 0.AV" + "aB3d" * 20 + ".AgABAA" + "xY7z" * 30 + "{:.0}",
    "Mailgun": "mailgun 303363201142f8d6e96e190774bab8b4-66642db8-060b8406 used{:.0}",
    "property resolved": "Property 'spring.mail.password' resolved to '{}' from application-prod.yml",
    "property bound": 'Failed to bind:\n    Property: app.mail.password\n    Value: "{}"\n',
    "Terraform variable": 'variable "db_password" {{ type = string default = "{}" }}',
    "sasl_passwd": "postfix/smtp sasl_passwd entry [smtp.example.org]:587 root:{}",
    "password that was incorrect": "Keystore was tampered with, or password was incorrect: {}",
    "from a word": "password changed from admin to {}",
    "jsonpath": "kubectl get secret db -o jsonpath='{{.data.password}}' => {}",
    "quotes of a shell": 'sh -c "mysql -u root -p\\"{}\\" -e status"',
    "doubled quotes": "'It''s set: password=''{}'' for app'",
    "key store": "keytool -importkeystore -srckeystore a.jks -srcstorepass {} -noprompt",
    "ldappasswd": "ldappasswd -x -D cn=admin -w {} uid=bob",
    "curl without a user": 'curl -u ":{}" https://localhost:9200',
    "curl with quotes inside": "curl --user kevin:'{}' -iX PATCH",
    "unattended set-up": "<AdministratorPassword><Value>{}</Value></AdministratorPassword>",
    "unseal": "vault operator unseal {}",
    "key refused": "API Key invalid (b8bbd015ab2b47af1e71102d27debdba{:.0})",
    "key of a vendor": "deepgram_key = 948c19ecde2818a1a357fffb14d2fc2a03d3c56e{:.0}",
    "UUID of a vendor": "snyk_key: 123e4567-e89b-12d3-a456-426614174abc{:.0}",
    "Twilio's pair": "AC" + "0f3a" * 8 + ":" + "1b2c" * 8 + "{:.0}",
    "Kerberos hash": "$krb5tgs$23$*bob$EXAMPLE$" + "0f3a" * 16 + "{:.0}",
    "project of Infura": "https://mainnet.infura.io/v3/7238211010344719ad14a89db874158c{:.0}",
    "MONITOR of Redis' ACL": '1700000000.1 [0 127.0.0.1:1] "ACL" "SETUSER" "worker" "on" ">{}" "~*"',
    "cookie as an entry": '[{{"name":"session","value":"4xy9az6njo6vw2mrvsit48ct1i{:.0}","httpOnly":true}}]',
    "New Relic's licence": "nr license 22d069cfc50f336ccad5e6cc8413e0584be4FFFFNRAL ok{:.0}",
    "magnetic strip": "track2 4539438312961919D29121018694295318 read{:.0}",
    "NTLM hash": "Administrator:500:" + "0f3a" * 8 + ":" + "1b2c" * 8 + ":::{:.0}",
    "audit's hexadecimal text": "audit: proctitle=" + b"mysql\0-uroot\0-pkL9xQ2mW7z".hex() + "{:.0}",
    "rclone": "rclone obscure {}",
    "chpasswd as a command": "USER_CMD cmd=chpasswd bob:{} res=success",
    "type 7 of Cisco": "tacacs+ key 7 FCE63AD25543F3D7A3 single-connection{:.0}",
    "decoded into a password": "echo {}AbC12dEf | base64 -d | passwd --stdin bob",
    "next parameter in brackets": "authenticity_token={}&user%5Bid%5D=2",
    "Zapier": "hook https://hooks.zapier.com/hooks/catch/17589/k4k32w5/{:.0}",
    "expected and got": "CSRF token mismatch: expected a1B2c3D4e5F6g7, got {}AbC12",
    "unknown scheme": "Authorization: Klaviyo-API-Key {}",
    "constant of a class": "Config::password={}",
    "class constant in quotes": "Foo::PASSWORD = '{}'",
    "default of a variable": "url=${{DB_PASSWORD:-{}}}",
    "default of a property": "spring.datasource.password=${{DB_PASSWORD:{}}}",
    "part of a form": "form.append('password','{}')",
    "variable of a batch file": "set %PASSWORD={}",
    "description that shows one": '{{"password": {{"type": "string", "data": "{}"}}}}',
    "member of a password": '{{"password": {{"view": "{}"}}}}',
    "LOGIN of a plain password": "a001 LOGIN jmiller monday6953{:.0}",
    "SMTP's challenge": "smtp.c:1006:prepared AUTH LOGIN challenge: '{}'",
    "SMTP's trace": "CLIENT -> SERVER: AUTH LOGIN\nSERVER -> CLIENT: 334 UGFzc3dvcmQ6\nCLIENT -> SERVER: "
    + base64.b64encode(b"kL9xQ2mW7z").decode()
    + "{:.0}",
    "words glued to pwd": '{{"isampwd": "{}"}}',
    "quotes doubled in CSV": 'x,"host ldapbindpasswd=""{}"" y=""1"""',
    "trace of python-ldap": "SimpleLDAPObject.simple_bind\n((('cn=reader,dc=example', '{}', None)))",
    "table of ClickHouse": "SELECT 1 FROM mysql('db:3306', 'shop', 'orders', 'app', '{}')",
    "port that is no number": "cannot parse `postgres://jack:{}@localhost:5432x/mydb`",
    "mismatch in brackets": "CSRF token mismatch (got \"a1B2c3D4e5F6g7\", expected '{}AbC12')",
    "password of a superuser": "password for the elastic built-in superuser is : HGWBIbqWZVZipigxTfQL{:.0}",
    "value of Terraform": 'variable "db_password" = cty.StringVal("{}")',
    "passphrase of several words": 'passphrase supplied in X is incorrect: "juniper monkey kL9xQ2mW7z"{:.0}',
    "audit's arguments of curl": 'type=EXECVE a0="curl" a1="-u" a2="api:{}" a3="-k"',
    "substitution that decodes": 'PASSWORD="$(echo a0w5eFEybVc3eg== | base64 -d)"{:.0}',
    "debugger's pointer": '#3 do_login (user=0x7ffd "bob", password=0x7ffd "{}") at auth.c:88',
    "cargo": "cargo login {} (crates.io)",
    "device of Firebase": "device cDotizuS9r6ywptEjgg_vv:APA91b" + "aB3d" * 20 + "{:.0}",
    "key that decrypts": "Decrypting archive with key: {}",
    "entry without quotes": "Preference{{key=cryptPassword,default=}}, value={}",
    "variable and value": "Injecting variable : prod_db_password, value : {}",
    "IPsec": "crypto isakmp key {} address 198.51.100.1",
    "OSPF": "ip ospf message-digest-key 1 md5 {}",
    "Wi-Fi chip": 'AT+CWJAP="HomeNet","{}"',
    "OpenVPN's console": 'MANAGEMENT: CMD \'password "Auth" "{}"\'',
    "PAM's token": "ldap_default_authtok = {}",
    "game's console": "Steve issued server command: /login {}",
    "Steam": "steamcmd +login buildbot {} +app_update 740",
    "semicolon in quotes": "smtp.auth.pass='kL9xQ2mW7z; hb' smtp.port=587{:.0}",
    "password repeated": "pw_confirm={} form=signup",
    "box of a secret": "Settings(debug=False, secret_key=SecretBox(value='{}, B'))",
    "camera": "GET /snapshot.cgi?loginuse=admin&loginpas={}",
    "cookies sent": "cookies sent: a={}; user_session={}",
    "AUTH in brackets": "AuthenticationError: invalid pair (AUTH default {})",
    "DB2": "CONNECT TO sample USER bob USING {}",
    "apostrophe in quotes": 'failed login for bob with password "rl\' {}" from 10.0.0.1',
    "Jinja's filter": "password: \"{{{{ '{}' | password_hash }}}}\"",
    "sshpass with a semicolon": "sshpass -p 'a; {}' ssh bob@10.0.0.1",
    "variable of a vendor": "GEOAPIFY_KEY=abcdef1234567890abcdef1234567890{:.0}",
    "vendor of two words": "export APP_CENTER_KEY=d4e8f2a7b1c39605d2e7f1b94a6c3d8001234567{:.0}",
    "Bundler": "BUNDLE_GEMS__CONTRIBSYS__COM=cafe1234:dead5678{:.0}",
    "block of a manifest": "kind: Secret\ndata:\n  .dockercfg: |\n    {}\n",
    "manifest with an owner": "kind: Secret\nmetadata:\n  ownerReferences:\n  - kind: Deployment\ndata:\n  a: {}\n",
    "key as an option": "nessuscli agent link --key=b0ed12e9652fa25b92c91826f364d339f64f98a07159e24f --host=m{:.0}",
    "scheme with a digit": "Authorization: aivenv1 {}AbC12dEf",
    "token as a user": 'curl -u "{}!:" https://localhost:9200',
    "login of a variable": 'client.authenticate(user, "{}")',
    "Gradle": 'buildConfigField "String", "API_KEY", "\\"{}\\""',
    "label above": "API Secret\na2813cd4502f94a77de470f2d7adc8d7{:.0}",
    "network credential": 'new NetworkCredential("bob", "vzihlaquknriqlht"){:.0}',
    "UUID that is said to be the key": "the secret key is 05faf044-3e0d-41a5-8e05-452cb06d7013 for x{:.0}",
    "UUID in quotes": "could not parse token 'b8555e8b-721c-404f-bd08-757c0be2bc2f' at x.csv{:.0}",
    "passphrase that is set": 'set API_SECRET "maple pirate zigzag ember" for qa{:.0}',
    "AUTH of the default user": "AUTH default cloudpenguin on api-02{:.0}",
    "cookie of curl": "curl -b 'session=9e0c1ff8-e82c-40b8-b12d-479ac64f2143' https://x.example/me{:.0}",
    "cookie of a jar": "<RequestsCookieJar[<Cookie auth=b03f03bb-f0a3-4b79-80af-b0974b26c937 for x.example/>]>{:.0}",
    "password that looks like an object": "IDENTIFIED BY 'K@ff3353!'{:.0}",
    "password encoded": "pass_b64=Z2lyYWZmZTE1Ng=={:.0}",
    "password tried": 'sshd[6511]: error: PAM: Authentication failure for mkeller (tried "{}")',
    "password tried, bare": 'pq: password authentication failed, tried {} for user "jenkins"',
    "password reset to quotes": 'reset pwd of nova to "{}" by helpdesk',
    "Portuguese sentence": "a senha provisória de tnguyen é {}",
    "day of birth": "geboren am 28.04.2004, Vertrag 913699{:.0}",
    "WebSocket of Kubernetes": "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.EkT1_YMjpwLOwt8zrWywV588RF{:.0}",
    "dialled with spaces": "asterisk: SIP/+49 170 46673735 caller ringing{:.0}",
    "colour as rsyslog writes it": "#033[1mtoken#033[0m=71af3a8bd94dbc78834102b041c32a8f host=x{:.0}",
    "created by Terraform": 'password: "" => "{}" engine: "postgres"',
    "radtest": "radtest webadmin {} 192.0.2.114 0 testing",
    "German sentence": "Passwort f\u00fcr pdurand wurde auf {} zur\u00fcckgesetzt",
    "ArcSight's fields": "CEF:0|v|p|1|100|Login|5|suser=webadmin cs1Label=password cs1={}",
    "ArcSight's fields, the label last": "CEF:0|v|p|1|100|Login|5|cs1={} cs1Label=password suser=webadmin",
    "setting changed": "setting changed: smtp_password old={} new={} by=jenkins",
    "row of a name": "key,value\nuser,mmueller\npassword,{}",
    "code of a second factor": "2FA code for webadmin: 598199{:.0}",
    "name in brackets": "[DB password]: {}",
    "rejected, with spaces": "Invalid password : {}",
    "hash of Ruby's": "{{password => {}}} saved",
    "dollar in a password": "password=$tr0ngPassword1{:.0}",
    "digits of a login": "docker login -p 12345 -u bob{:.0}",
    "password that is required": "{} is the password required here",
    "default of a variable that is one": "password=${{X:-{}}}",
    "dash of a typographer": "password \u2014 {}",
    "object of a password": "Password(value='{}')",
    "row with semicolons": '"password"; "{}"',
    "label above a password": "password\n{}\n",
    "passphrase that ends in digits": 'WPA passphrase="canyon tundra cactus {}" ssid=x',
    "PUK": "sim_pin=4710 sim_puk=19975662 iccid_suffix=22{:.0}",
    "pair of Lisp": '(password . "falconvelvet") (user . "deploy"){:.0}',
    "letters in a link": "https://x.example/reset/PfSwmZbWazCvZOFVcwLSuoWooJHFdwMY{:.0}",
    "PIN of a card": "PIN for card ending 1234 is 5445{:.0}",
    "joined words": '{{"password": "open_sesame"}}{:.0}',
    "quotes of a typographer": "Anmeldung mit Passwort \u201e{}\u201c abgelehnt",
    "Japanese sentence": "\u30d1\u30b9\u30ef\u30fc\u30c9\u306f {} \u3067\u3059",
    "Chinese sentence": "bob \u7684\u5bc6\u7801\u662f {}",
    "Polish sentence": "has\u0142o u\u017cytkownika bob to {}",
    "Spanish refusal": "Contrase\u00f1a incorrecta para bob: {}",
    "name with an umlaut": "Ihr Best\u00e4tigungscode lautet 598199, g\u00fcltig 10 Minuten{:.0}",
    "EDI": "PWD#{}#USR#bob#",
    "expect script": "EXPECT: 'Password: ' SEND: '{}'",
    "assertion": 'assert pin == "598199"{:.0}',
    "literal that is cut": "ERROR: unterminated quoted string: CREATE ROLE bob PASSWORD '{}",
    "input of a form": "<input type=hidden name=csrf_token value='{}'>",
    "parameter of botocore": "Invalid type for parameter Password, value: {}, type: <class 'str'>",
    "index of voluptuous": "expected str @ data['password'] got '{}'",
    "slice of Go": 'http.Header{{"X-Api-Key":[]string{{"{}"}}}}',
    "list of names and values": "[b'user', b'bob', b'password', b'{}-Zz9']",
    "complaint that quotes": "{{'password': [\"Too weak: '{}'\"]}}",
    "key from hexadecimal": "key = bytes.fromhex('" + "0d77a2c4" * 8 + "'){:.0}",
    "key that deciphers nothing": "bad decrypt (key=" + "0d77a2c4" * 8 + "){:.0}",
    "tokens by their parts": "tokens: access=atSWNVyt3KeKQ9fdu7qT refresh=Pf7Swm9ZbWaz3vZQ2a for bob{:.0}",
    "old and new key": "rotated key for billing: old=atSWNVyt3KeKQ9fdu7qT new=Pf7Swm9ZbWaz3vZQ2a{:.0}",
    "call of PyJWT": 'jwt.encode({{"uid": 4}}, "{}", algorithm="HS256")',
    "Oracle's service": "logon denied [scott/{}@db.example.org/XE]",
    "SIP": "sip:bob:{}@pbx.example.org;transport=tcp",
    "database link": "CREATE DATABASE LINK hr CONNECT TO scott IDENTIFIED BY {}",
    "Redis with a time": "SETEX session:42 3600 {}",
    "login that is told": "login bob:{} accepted",
    "integration of a pager": "https://events.example.com/integration/0d77a2c4b0ed12e9a2813cd40d77a2c4/enqueue{:.0}",
    "reset link with a UUID": "https://x.example/reset-password/3e0d41a5-721c-404f-a2e4-80b4f0a34b79{:.0}",
    "SCRAM verifier": "SCRAM-SHA-256$4096:zAs3bVqcYtu3wXGI==$iymaUok5JwNcgi0vvyOa5jP6zDM=:P98w49flXNXsNwnKTKPPxqD3Fgr={:.0}",
    "Erlang": '[{{user,"bob"}},{{password,"{}"}}]',
    "argument with spaces": "['mysqldump', '--password=canyon tundra {}', 'shop']",
    "option with spaces": "['mongodump', '-u', 'bob', '-p', 'canyon tundra {}']",
    "user's option with spaces": "curl -u 'bob:canyon tundra {}' https://x.example/",
    "variable in quotes": "withEnv(['DB_PASSWORD=canyon tundra {}', 'STAGE=qa'])",
    "ADO.NET": "Server=db;User ID=bob;Pwd=canyon tundra {};Connect Timeout=15",
    "record with spaces": "LoginRequest(username=bob, password=canyon tundra {}, remember=false)",
    "line with spaces": "[shop]\nuser = bob\npassword = canyon tundra {}\nhost = db",
    "sentence as a passphrase": '{{"password": "Leopold has 5 {}"}}',
    "words with points": "bindpw = canyon.tundra.cactus.maplewood{:.0}",
    "bracket in a password": "app.pass=Raccoon({}",
    "braces in a password": "password={{cinder}}79[{}]",
    "doubled quotes of SQL": "PASSWORD 'maple''{}'",
    "psql's records": "-[ RECORD 1 ]-\nlogin    | bob\npassword | {}&x=1\nrole | admin",
    "table of Markdown": "| login | password | role |\n|---|---|---|\n| bob | {} | admin |",
    "tabs": "user\tbob\ntoken\t3e0d41a5-721c-404f-a2e4-80b4f0a34b79\nhost\tdb{:.0}",
    "list of recovery codes": "backup codes for bob:\n  37o76-44mgy\n  or0j6-0k8fh{:.0}",
    "recovery key of BitLocker": "358243-258417-574288-568735-757155-335944-270098-705280{:.0}",
    "UTF-8 in percent signs": "data=%22%D0%BF%D0%B0%D1%80%D0%BE%D0%BB%D1%8C%22%3A%20%22{}%22",
    "camelCase of a national id": '["nationalId": "427740782"]{:.0}',
    "day of birth in words": "birth date 28 April 2004 confirmed{:.0}",
    "mailbox with an umlaut": "to=<j\u00fcrgen.maple@m\u00fcller.example>, relay=x{:.0}",
    "South African id": "ID number 8001015009087 verified{:.0}",
    "SNMP community": "rocommunity {} 10.0.0.0/8",
    "NT hash": "nt_hash=0d77a2c4b0ed12e9a2813cd40d77a2c4{:.0}",
    "credentials of a user": "using credentials bob:{} for db",
    "secret behind a key": "twilio api key and account AC-main/secret {}Qw4Zt8Lp",
    "words of a wallet": "wallet restored from phrase: " + "canyon tundra cactus " * 4 + "tundra{:.0}",
    "old and new password": "pw changed for bob: old={} new={}",
    "SQL*Plus with a point": "sqlplus m.smith/{}@ORCL @nightly.sql",
    "German reset": "Passwort f\u00fcr bob zur\u00fcckgesetzt auf {}",
    "credentials behind an arrow": "credentials for db.example.org -> bob / {}",
    "PIN that was entered": "card pin entered 5445, atm=221{:.0}",
    "COBOL": "WS-PASSWORD  PIC X(12) VALUE '{}'.",
    "HL7": "PID|1||PAT-118^^^KH^MR||Keller^Anna||19551112|F{:.0}",
    "FIX": "8=FIX.4.4|35=A|553=bob|554={}|98=0",
    "Clojure": '{{:db/user "bob", :db/password "{}"}}',
    "default of getenv": 'Client("root", password=os.environ.get("P", "{}"))',
    "Basic that nobody encoded": "GET /metrics 401 (sent Basic bob:{})",
    "link of magic": "magic link https://portal.example/l/{}Zx3Qv9Rt7Lm5Np2 mailed to bob",
    "option of cmd.exe": '"C:\\tools\\sync.exe" /user bob /password {} /q',
    "here string": "cryptsetup luksOpen /dev/sdb1 x <<< {}",
    "community of a router": "snmp-server host 10.1.1.1 version 2c {}",
    "base32 in brackets": "secret(b32)=G42U4TBQG5SGGODTJNVTG6DW issuer=Acme{:.0}",
    "key of a network": "Guest WiFi: SSID Clinic, key {}_IKE",
    "number of a chain under a token's name": "access_token=0x742d35cc6634c0532925a3b844bc454e4438f44e{:.0}",
    "two arrows": "password ~> {} ~> accepted",
    "arrow of Unicode": "account_key\u21d2{} edge-proxy",
    "reset for somebody": "reset password of bob to {} on web-17",
    "complaint with the token in it": "ValidationError: {{'token': ['aR2MzeGk40biUJiMjfjPd32C is not valid']}}{:.0}",
    "list of passwords": "passwords: {}, cosy-canyon-tundra, {} for db",
    "row of tabs": "x_api_key\t3e0d41a5-721c-404f-a2e4-80b4f0a34b79\tmysql-2{:.0}",
    "number in quotes": 'person bob with bsn "598953383" verified{:.0}',
    "mark in a URL's password": "https://admin:ce2T@X5QK/{}@web-17/manage failed",
    "xh": "xh -a bob:{} https://api.example/me",
    "copy of a password": "login failed: password={0}, retrying with {0} for bob",
    "comparison of a script": "password=={}~Hv9pL seen in legacy script",
    "Russian sentence": "\u043f\u0430\u0440\u043e\u043b\u044c \u0434\u043b\u044f olga \u2014 {}",
    "codes of one shape": "backup codes: pydy5-nwbra, qrepy-35n8g, ekbsr-hmfft printed{:.0}",
    "answer to a prompt": "stdin prompt 'Password: ' answered '{}' on tty1",
    "number of a person before its name": "sent invoice to 75110788539 (PESEL) for order 17{:.0}",
    "number of a person in brackets": "PESEL <75110788539> verified{:.0}",
    "quotes in quotes of a shell": "htpasswd -b /etc/nginx/.htpasswd bob 'm4rbl3ta'\"'\"'{}'",
    "openssl's pass phrase": "openssl pkcs12 -in bob.p12 -passin 'pass:canyon tundra {}' -nodes",
    "line end of rsyslog": "#012password={}#012host=syslog",
    "name behind a semicolon": "sip:bob:{}@pbx;transport=tcp",
}
# What of these stands for SECRET, beside it.
OTHERS = (
    "abcdefgh", "atSWNVytKeKQfdu", "monday6953", "a0w5eFEy", "HGWBIbqWZ", "APA91b", "1234567890", "c39605d2e7", "dead5678",
    "b0ed12e9", "a2813cd4", "vzihlaqu", "open_sesame",
    "3e0d-41a5", "721c-404f", "maple", "cloudpenguin", "e82c-40b8", "f0a3-4b79", "ff3353", "Z2lyYWZm", "28.04.2004",
    "EkT1_YMj", "46673735", "71af3a8b", "598199", "tr0ngPass", "12345", "19975662", "falconvelvet",
    "PfSwmZb", "5445", "canyon", "0d77", "Pf7Swm9", "atSWNVyt", "28 April", "8001015", "Leopold", "cinder", "Raccoon",
    "427740782", "705280", "37o76", "or0j6", "iymaUok5", "Zz9", "19551112", "G42U4TBQ", "tundra", "742d35", "75110788539", "aR2Mze", "598953383", "ce2T", "X5QK",
    "pydy5", "35n8g", "ekbsr", "m4rbl3",
)  # fmt: skip


@pytest.mark.parametrize("name", NOTATIONS)
def test_finds_the_secret(name: str) -> None:
    """The secret goes in each of these notations, and nothing changes on a second pass."""
    text = NOTATIONS[name].format(SECRET, SECRET)

    clean = redactor.text(text)

    assert SECRET not in clean
    assert not [other for other in OTHERS if other in clean]
    assert "[REDACTED]" in clean
    assert Redactor().text(clean) == clean


# A password that is a word: nothing but its place gives it away.
PLACES = [
    "password={}",
    "DB_PASSWORD = {}",
    'password: "{}"',
    "password: {}",
    '{{"password": "{}"}}',
    "Config::password={}",
    "login('bob') <password>{}</password>",
    "mysql --password={} -e status",
    "form.append('password', '{}')",
    "user|bob|password|{}|status|ok",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("word", ["stark", "kurz", "reading", "instead", "edit", "letmein"])
def test_finds_a_plain_word(place: str, word: str) -> None:
    """A word that could say something in a sentence is a password where a value stands."""
    assert word not in redactor.text(place.format(word))


@pytest.mark.parametrize("vendor", ["deepgram", "sentry", "softlayer", "new_york_times", "acme"])
@pytest.mark.parametrize("what", ["api_key", "auth_token", "access_key", "secret", "password"])
def test_a_vendors_name_takes_nothing_from_a_secrets(vendor: str, what: str) -> None:
    """`deepgram_key` asks for a value that looks like a key; `deepgram_api_key` for none."""
    assert redactor.text(f"{vendor}_{what}=letmein12") == f"{vendor}_{what}=[REDACTED]"
    assert redactor.text(f"{vendor}_key=search") == f"{vendor}_key=search"


@pytest.mark.parametrize(
    "text",
    [
        'post data "password": "{}"',
        'PASSWORD=String("{}")',
        "passwords: {}, Welcome1",
        "passwords: Hunter2!, {}, letmein9",
        "auth={}Zx81kQp2mN4vB7= user bob",
        "mysqladmin -u root -p {}! password x",
        "postgres://app:ab;cd={}@db:5432/x",
        "https://bob:pa;ss={}@host/",
        "password: http://abc:{}@host/",
        "DB_PASSWORD={},USER=bob",
        '"PASSWORD={} 22 is wrong"',
        "\u5bc6\u7801_x={}",
        "${{PASSWORD:?{}}}",
        "{{{{ foo }}}} password | {} }}}}",
        "existing_secret_password={}",
        'password: ["required", "{}"]',
        "postgres://user:{}@host.example.com/db",
        '"password": "memory.kettle.gondola.{}"',
    ],
)
def test_an_exemption_ends_where_it_is_meant(text: str) -> None:
    """What stays beside a secret's name for one notation does not show a password in another."""
    assert "hunter22" not in redactor.text(text.format("hunter22"))


@pytest.mark.parametrize("rest", ["failed", "is wrong", "was rejected for bob", "not accepted"])
def test_finds_a_plain_word_before_a_verb(rest: str) -> None:
    """What is said of a password does not make it part of the sentence."""
    assert redactor.text(f"auth: password: letmein {rest}") == f"auth: password: [REDACTED] {rest}"


@pytest.mark.parametrize(
    "text",
    [
        "Passwort: falsch eingegeben",
        "token: signature is invalid",
        "secrets: could not get x",
        "random_password.db: Creating...",
        "AWS::SecretsManager::Secret DbSecret",
        "data_bag_item('secrets', 'mysql')",
        "| user | password | role |",
    ],
)
def test_keeps_words_of_a_sentence(text: str) -> None:
    """Words that say something about a secret stay where a sentence says it."""
    assert redactor.text(text) == text


def test_tokens_of_a_sentence_are_short_words() -> None:
    """`auth_tokens: index scans` are words; twenty-six letters in a row are a token."""
    assert redactor.text("tokens=scans") == "tokens=scans"
    assert redactor.text("tokens=kqzwxjvbnmasdfghpoiuytrewl") == "tokens=[REDACTED]"


@pytest.mark.parametrize(
    "text", ["cvv 722", "security code 722", "security_code=722", "cvv=722", "Your Acme code is 722722."]
)
def test_finds_card_checks_of_three_digits(text: str) -> None:
    """Three digits after the name of a card check are one."""
    assert "722" not in redactor.text(text)


def test_finds_every_one_of_several() -> None:
    """`passwords: a, b` holds two."""
    assert redactor.text("passwords: Ab12cd34, Xy98zw76") == "passwords: [REDACTED], [REDACTED]"


def test_keeps_what_is_public_of_an_authorization() -> None:
    """Who logged in where stays; what proves it goes."""
    text = 'Authorization: Digest username="bob", realm="shop", nonce="a1b2c3d4", uri="/x", response="0a1b2c3d4e5f"'

    clean = redactor.text(text)

    assert clean == (
        'Authorization: Digest username="bob", realm="shop", nonce="[REDACTED]", uri="/x", response="[REDACTED]"'
    )


def test_keeps_what_a_form_says_about_a_field() -> None:
    """Messages of a validation stand under the name of the field that they are about."""
    errors = {"password": ["This field is required.", "This password is too short."]}

    assert redactor.value(errors) == errors


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("http --auth bob:kL9xQ2mW7z GET https://x.example/", "http --auth bob:[REDACTED] GET"),
        ("invalid password for redis://:kL9xQ2mW7z@api-35:6379/0", "redis://:[REDACTED]@api-35:6379/0"),
        ("postgres:\\/\\/app:kL9xQ2mW7z@db.example\\/shop", "app:[REDACTED]@db.example\\/shop"),
        ("Authorization: SharedAccessSignature sr=x&sig=kL9xQ2mW7z%3D&se=17", "sr=x&sig=[REDACTED]&se=17"),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIAMZMC5HAX6UBL2W65/20250101/eu-west-1/s3, Signature=e78067217e",
            "Credential=[REDACTED]/20250101/eu-west-1/s3, Signature=[REDACTED]",
        ),
        ("git fetch https://" + "0d77" * 10 + ":x-oauth-basic@github.com/o/r", "[REDACTED]:x-oauth-basic@github.com"),
    ],
)
def test_keeps_what_stands_beside(text: str, kept: str) -> None:
    """Users, hosts and scopes stay beside the secret that goes."""
    clean = redactor.text(text)

    assert kept in clean
    assert SECRET not in clean
    assert redactor.text(clean) == clean


def test_keeps_the_next_pair_of_a_form() -> None:
    """Brackets in a name end the value before it as any name does."""
    assert redactor.text("user[password]=aB3x9&user[name]=bob") == "user[password]=[REDACTED]&user[name]=bob"


BENIGN = [
    "creds=''",
    "gem 'secrets' ~> 1.2",
    "login user:Bob1984 failed",
    "if password==user.password1:",
    "if (password==$pass2)",
    "password: ensure this value has at least 12 characters",
    "glpat-xxxxxxxxxxxxxxxxxxxx is a placeholder",
    "xoxb-your-bot-token goes into slack.yml",
    "expected -----BEGIN PRIVATE KEY----- but file is empty",
    "-----BEGIN PRIVATE KEY-----<redacted>-----END PRIVATE KEY-----",
    "mysql -u app -p billing2024",
    "tokens: [IDENT, LPAREN, NUMBER, RPAREN]",
    "app.auth: DATABASE_URL=redis://db-35.eu-west-1.example.net:6379/orders?charset=utf8mb4",
    "object not found in collection sessions sha256=3b7d783337ad2871b230525486d1d3e2e299fbe1fb4bf06995a78c93feb3bc36",
    "connecting: pulled image example/ingest@sha256:75dc26487a25c1194c6b73994b3e0736abf87bef69fc2a6c0dfdd6f19502515b",
    "apiKey=\x1b[38;5;208mnull\x1b[0m method=GET",
    "- password hasher: pbkdf2_sha256",
    "[attempt=4] [file=/srv/data/in.csv]",
    "a = 1\npassword = user.password if user else other\nb = 2",
    "token N'",
    "password \u30d1\u30b9\u30ef\u30fc\u30c9\u306f\u5fc5\u9808\u3067\u3059\u3002",
    "\u30d1\u30b9\u30ef\u30fc\u30c9\u306f8\u6587\u5b57\u4ee5\u4e0a\u3067\u3059",
    "\u5bc6\u7801\u662fUTF8\u7f16\u7801",
    "token = token[:-1]",
    "login server:eu-west-1 accepted",
    "src/integration/S3ToRedshiftOperator/x",
    "/orders/confirmation/3e0d41a5-721c-404f-a2e4-80b4f0a34b79",
    "NAME\tTYPE\ndb-secret\tOpaque",
    "'PKCS7_ENCRYPT', 'AES_KEY', 'PKCS7_ISSUER_AND_SERIAL'",
    'msgstr "Best\u00e4tigungstoken"\n\n#: apprise/plugins/zulip.py:152',
    "could not read secret: permission denied",
    'external-secrets: {"level":"info","msg":"reconciled secret"}',
    'Successfully pulled image "registry.example.com/otp-sender:4.13.7" in 1.2s',
    "app/models/api_key.rb:14:in `generate_token'",
    "password: !Ref DatabasePassword",
    "password: !vault db/prod",
    "password=#{password}",
    "password=%DB_PASSWORD%",
    "password=@password",
    "passwd=x",
    "password=XXXXXXXX",
    "apiKey: import.meta.env.VITE_API_KEY,",
    "password: {{ .Values.db.password | b64enc }}",
    ': "${DB_PASSWORD:?DB_PASSWORD must be set}"',
    "'password' => ['required', 'confirmed', Password::min(10)],",
    "db.users.find({password: {$exists: false}}).count()",
    'resource "random_password" "db" { length = 38 }',
    "Usage: htpasswd [-cimB25dpsDv] [-C cost] passwordfile username",
    "  --private-key PRIVATE_KEY_FILE, --key-file PRIVATE_KEY_FILE",
    "  --cookie <data|filename>     Send cookies from string/file",
    "Passwords are case-sensitive.",
    "the last 9 passwords are remembered",
    "Wachtwoord is gewijzigd",
    "Passwort: abgelaufen",
    "mot de passe = obligatoire",
    "Password for user bob was changed successfully",
    'pin-sha256="2DrQUwEaVCokoJvB/NXY9uCl6+cfsHPQAbltrWnA3Fs=" max-age=8838516',
    "digest sha-256=Q5RmU1TWJ/X4aZ0UdpiEuQwls0QXub31DHYkUXyKP/s=",
    "oauth: client_id=f22b6cf4-c43f-4e0b-a713-00dbda1dabc5 requested scope profile",
    'sealed-secrets: Updating Secret "billing" (resourceVersion 9207648)',
    "erc20 transfer token 0xd22c891508f149d5c83453dc2825b6dbb36464ac block 6787921",
    "segfault at 0 ip 00007fb4414ab7 error 4 in libsecret-1.so.0[7f603e6778+a000]",
    "frozenset({'read', 'write', 'token:revoke'})",
    '{"msg":"password \\u2014 reset requested"}',
    "SSH_ASKPASS=/usr/lib/ssh/ssh-askpass",
    "celery@web01.example.org: Connected",
    "DB_PASSWORD=${DB_PASSWORD} substituted from vault",
    'headers.set("Authorization", "Bearer "+token)',
    'Pass the token as "Authorization: Bearer <token>".',
    "the form is postgres://user:password@host:port/dbname",
    "   at Shop.Auth.TokenProtector.Unprotect(String token) in /src/Auth/TokenProtector.cs:line 301",
    "secret_id_num_uses=0 secret_id_ttl=10m",
    "rate limit by api key: 7751/min",
    "cookie domain mismatch: mx2.bank.example",
    "django.security.csrf Forbidden (CSRF token missing.): /api/orders/3262/",
    "var.db_password: Enter a value:",
    "CSRF_TRUSTED_ORIGINS = ['https://web03']",
    "if not token: raise Unauthorized()",
    "rename app/{secrets => vault}/loader.py (92%)",
    "const token = req.headers.authorization?.split(' ')[1];",
    "    session_id: UUID = Field(default_factory=uuid4)",
    "kubectl create secret generic events --from-file=password=/dev/stdin",
    "ParseError: expected token=COMMA got token=RPAREN",
    'password = System.fetch_env!("DB_PASSWORD")',
    "Using generated security password: (suppressed)",
    "bearer 5G NSA setup ok cell=78939",
    "web02 gdm-password][43984]: gkr-pam: unlocked login keyring",
    'nomad.vault: failed to renew token: error="Vault is sealed" backoff=3m',
    "jwt: audience claim mismatch, want api://default",
    "%ASA-6-113015: reason = Invalid password : local database : user = *****",
    "Importing GPG key 0xB2EF07F0: Userid: Fedora (38)",
    "Token metadata: Normal Tokens: /192.0.2.100:7000 count 83",
    "revoked lease: lease_id=auth/approle/login/hd582fe1b40277111afdc77082494af74ef8454c23cd97b995af1281a084c43b",
    "ContainerTokenKeyRollingInterval: 86400000ms and ContainerTokenKeyActivationDelay: 900000ms",
    "docker login -u oauth2accesstoken --password-stdin",
    "masterauth directive found in redis.conf line 251",
    "CSR: /etc/csr/0003_csr-certbot.pem, key: /etc/letsencrypt/keys/0007_key-certbot.pem",
    "http-cookie-agent: rejecting cookie from public suffix 'co.uk'",
    "pydantic: field 'password' is SecretStr, repr=SecretStr('**********')",
    "Interface Gi1/0/98 AuditSessionID F5C6721E8F3D06622E225C3F",
    "pinctrl-bcm2835: pin gpio82 already requested by leds",
    'let api_key = std::env::var("API_KEY")?;',
    "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd",
    "fn verify_token(token: &str) -> Result<Claims, Error>",
    "kubernetes.io/secret/10ae7097-2053-4973-800f-4268e47652d3-default-token-xd7b5",
    "modbus frame 01 03 00 65 00 02 fe 83",
    '{"requestParameters": {"secretId": "prod/reporting/db"}}',
    "256 SHA256:1KczCzaJkIYLZBHiLNBTLxSqDsSfcK9jWd9nT4qv14k root key (ED25519)",
    "pull access denied, may require authorization: server message: insufficient_scope: authorization failed",
    '{"annotations": {"authorization.k8s.io/decision": "allow"}, "passwd_entries": 485, "password_env": "DB_PASSWORD"}',
    "game: lobby 193566 is password protected",
    "config: auth.type=token auth.header=X-Api-Key",
    "token=UserToken@6d06d69c released",
    "DEBUG:botocore.credentials:Looking for credentials via: env",
    "250-AUTH LOGIN PLAIN\\r\\n250-STARTTLS\\r\\n250 X-NOTHING\\r\\n, referer: https://a.example/x.php",
    'export PASSWORD=$(kubectl get secret --namespace default pg -o jsonpath="{.data.pg-password}" | base64 -d)',
    "authority=mq1.lan :path=/oauth/token :method=GET",
    "routing_key=search-indexer.created exchange=events",
    "[INFO] Building acme-auth-token 8.3.18-SNAPSHOT",
    "django.security.csrf: WARNING Forbidden (Origin checking failed): /oauth/token",
    "jwt: alg=RS256 kid=80460 exp=1724113344 skew=2",
    'POS tag tokens: ["the", "secret", "garden"] n=590',
    "parse error near token `)' at 527:1",
    "mysql_native_password is deprecated; client 192.0.2.223",
    "$password = $input;",
    'export PGPASSWORD="$gdcapi_db_password"',
    '"password": "&lt;YOURPASSWORD&gt;"',
    '{"errors": {"password": "password_too_common"}}',
    "password: {% raw %}",
    "TokenBucket(capacity=100, tokens=42.5)",
    "<Secret: prod/db (3 versions)>",
    "NoMethodError: undefined method `password=' for #<User:0x000011e847ea1f4f>",
    "gcloud secrets versions access latest --secret=db",
    "TASK [secrets : copy key file] ***",
    'automatic vacuum of table "shop.public.auth_tokens": index scans: 3',
    "tokenRequests: [{audience: vault, expirationSeconds: 600}]",
    "auth code 745027 is approval number of acquirer, amount 82.00",
    "pam_unix(passwd:chauthtok): password changed for deploy",
    "password: %env(DATABASE_PASSWORD)%",
    "apt: Setting up passwd (1:4.13+dfsg1-1ubuntu99) ...",
    "Use --password-stdin instead of --password",
    "tiktoken: encoding cl100k_base loaded in 1554ms",
    "class TokenRefreshInterceptor(okhttp3.Interceptor)",
    "sshd: Server host key: ssh-ed25519 SHA256:X/3Ti0gLVZ1HfeLuKwQjnf4tOcD70vrAVQ37KkeJuDM",
    "external-secrets: reconciled ExternalSecret umber/media-proxy in 1007ms",
    "SecretResolver: placeholder ${secret:billing/dsn} deferred",
    "AWS::SecretsManager::Secret DbSecret860ABF31",
    "blake2b digest 9638a322d58da6fed5bf1e5fc3d71ce2404d3ab19fb17d67a75530ec19e796ed",
    "Bestellnummer 713-273-6922 versandt",
    "COMPILATION ERROR: SecretHolder.java:[16,15] cannot find symbol",
    "Successfully installed PyJWT-2.7.18 passlib-10.24.25 itsdangerous-10.25.14",
    "snyk: SNYK-JS-JSONWEBTOKEN-31898 medium severity",
    "PASS: 2348  FAIL: 4  XFAIL: 0",
    "00000000  50 4b 03 04 14 00 00 00  08 00 df f2 04 f5 3c cf",
    "{Name:gateway Token: Retries:66}",
    'secret_key = "CHANGE_ME" is refused in production',
    "CREATE TYPE auth_kind AS ENUM ('password','otp','token')",
    "authorization: policy=allow-all decision=permit",
    "chip and PIN transaction approved, auth code 662238",
    "auth code 253935 captured for order 1723342",
    "grant_type=authorization_code, token_id=e80aa94f-c214-482b-a501-ab92660c4f2f",
    "failed to validate token: signature is invalid",
    "Sec-WebSocket-Key: K5alqJx+NyeRqnkNrUAICg==",
    "Cookie: sessionid=<redacted>; csrftoken=<redacted>",
    "jwt.secret=${JWT_SECRET:?must be set}",
    "ActiveMQ: Session: ID:app-01-54474-1746361661-1:1:1 closed",
    "<Session id=48747 expires=2026-07-01T08:12:14Z>",
    "<Token: orders-service>",
    'type Config struct { Password string `env:"DB_PASSWORD,required"` }',
    '"jsonwebtoken": "^9.0.2", "cookie-parser": "~1.4.6"',
    "'password' => 'required|min:12|confirmed',",
    "$user->password = Hash::make($request->password);",
    "user b610e401 failed PasswordSignIn: LockedOut=False",
    "random_password.db: Creating...",
    "Cache restored from key: Linux-npm-2d48c06dd434932cb6955df6ad35563a9117c3ac96aab1a8f4c9b1db5484bfc8",
    "gpg: using RSA key e2b5854e214d9714acd061692256417d3a5c77fd",
    "Chef: data_bag_item('secrets', 'mysql') not found",
    "  API_TOKEN:    <set to the key 'token' in secret 'api'>  Optional: false",
    "Annotations: checksum/secret: 3a4e274686ef29c0b544267e1de44dc9879dbd9d599d982076d1143b51d23725",
    "external-secrets: could not get secret data from provider",
    "execution error at (redis/templates/secret.yaml:14:3): auth.password is required",
    'DETAIL:  Key (session_id)=(229718) is not present in table "sessions".',
    "pan=411111******1111 brand=visa",
    "secret: ref+vault://secret/data/app#password",
    "proxy_set_header Authorization $http_authorization;",
    "permission secrets:read granted to group sre",
    "/var/lib/app/tokens/f656d896-537c-4000-9b62-61bd371db8c9.json removed",
    "image digest sha256:8cbf383ded3498239b7c134621054619f6ec8bea22cdc48e200aaf166644e222",
    "s3 key=invoices/2026/INV-110185.pdf bucket=docs",
    "  --secret-id SECRET_ID     name or ARN of the secret",
    "New password: Retype new password: passwd: password updated successfully",
    "sentry_event_id=948c19ecde2818a1a357fffb14d2fc2a",
    "unexpected token: IDENTIFIER near line 39",
    "postgres://user:<password>@host:5432/db",
    "curl -u user:<password> https://db.example.org",
    "CREATE USER app IDENTIFIED BY :pw",
    "headers: { Authorization: `Bearer ${token}` }",
    "message id <1773025299.26965.74393@mail.example.org>",
    "%IDS-4-TCP_SENDMAIL_VRFY_SIG: Sig:3103:Sendmail Reconnaissance",
    'Error loading session: Cookie "_oauth2_proxy" not present',
    "../libcli/security/security_token.c:53(security_token_debug)",
    "[queryid=4266247047529477710] duration: 25.450 ms",
    "Requested URL: '/auth/login_flow/69d9550b6315c1b2c241a0bb68323883'",
    "Accessed secret projects/12345/secrets/db-password/versions/latest",
    "password two-factor-auth enabled",
    "Set-Cookie: theme=dark; Path=/",
    "token UsernamePasswordAuthenticationToken rejected",
    "connect('db.internal', 'orders', 'utf8mb4')",
    "auth('GET', '/v1/users')",
    "--- PASS: TestToken (0.00s)",
    "token kid: 2024-05-key-1",
    "credentials: anonymous",
    "your exit code is 1234",
    "SID: S-1-5-21-3623811015-3361044348-30300820-500",
    "const secret = process.env.CLIENT_SECRET",
    "docker run -u 1000 -p 8080:80 nginx",
    "LOGIN failed for bob",
    "235 2.7.0 AUTH LOGIN accepted",
    json.dumps({"password": ["This password is too short. It must contain 8 characters.", "It is too common."]}),
    "password = base64.b16encode(random_bytes[8:])",
    "Token = _TokenType()",
    "cookie = interact_2965(c, 1)",
    "token = readToken(stream)",
    "Established session 0x14ed93111f20005 with negotiated timeout 10000",
    "app wtoken = AppWindowToken{9f4ef63 token=Token{a64f992 ActivityRecord{de9231d u0 t761}}}",
    'secret "default-token-x7k2p" not found',
    "ERR AUTH <password> called without any password configured",
    "option --token requires an argument",
    "const tokenPattern = /[a-z]+/",
    "def getpass(prompt='Password: ', stream=None):",
    'print("shlex: token=" + repr(raw))',
    json.dumps({"errors": {"password": ["is too short (minimum is 8 characters)"]}}),
]


@pytest.mark.parametrize("text", BENIGN)
def test_leaves_what_is_no_secret(text: str) -> None:
    """Handles, prompts, rules and source code stay as they are."""
    assert redactor.text(text) == text


RECORDS = [
    {"private_key_bits": 2048, "password_hash_memory_kib": "47104", "token_requestor": "merchant"},
    {"kind": "Role", "rules": [{"resources": ["secrets", "configmaps"]}]},
    {"token": {"kind": "IDENT", "text": "total", "line": 27, "col": 69}},
    {"loggers": {"app.auth": "WARNING", "app.tokens": "INFO"}},
    {"secret": {"secretName": "web-tls", "defaultMode": 420}},
    {"authorization": {"decision": "Deny", "action": "s3:GetObject", "policies": 2}},
    {"labels": {"password": "Password", "confirm_password": "Confirm password", "token": "Access token"}},
    {"authorization": "Bearer <token>"},
    {"csrf_exempt": ["/webhooks"], "otp_channel": "totp"},
    {"cors": {"allow_headers": ["Authorization", "X-CSRF-Token"]}},
    {"tests": {"pass": 128, "fail": 0, "skip": 3}},
    {"pwd": "/srv/app/current", "OLDPWD": "/tmp"},
    {"auth": {"mechanism": "SCRAM-SHA-256"}},
    {"pins": [4, 17, 27], "mode": "BCM"},
    {"credential": {"kind": "webauthn", "transports": ["usb", "nfc"]}},
    {"annotations": {"checksum/secret": "76258abf5a0fbfa08df4ad04e9ac419425c2813f9b1edaf16f9bf26ca14c7fe0"}},
    {"validation": {"password": ["too short"], "token": ["required"]}},
    {"account_no": "AC-18239"},
    {"pin": "GPIO22", "direction": "in"},
    {"hint": {"pin": "4 to 6 digits"}},
    {"method": ["GET"], "params": ["a", "b"]},
    {"messages": {404: "Not found"}, "labels": {1: "A"}},
    {"columns": ["check", "pass", "fail"], "rows": [["unit", 300, 2]]},
    {"rows": [["Authorization", "Basic"], ["Accept", "json"]]},
    {"login": ["web", "user1"], "signin": ["google", "auth0"]},
    {"handshake": ["AUTH", "CRAM-MD5"]},
    {"fields_checked": ["password1", "password2"]},
    {"recovery_codes": {"count": 10, "created": 1700000000}},
    {"columns": ["name", "pass", "total"], "rows": [["a", 120, 130]]},
    {"cvc": "Your card's security code is incomplete."},
    {"token": "NUMBER", "lexeme": "3.14", "pos": 1839},
    {"tokens": ["if", "(", "x", ")"], "escape_token": "\\"},
    {"locale": "de", "labels": {"password": "Passwort", "otp": "Einmalcode", "token": "\u30c8\u30fc\u30af\u30f3"}},
    {"permissions": {"secrets": "read", "contents": "write"}},
    {"secrets": ["db-main", "redis-main"], "tls_secret": "web-tls"},
    {"secret_id": "projects/123/secrets/db-main"},
    {"cookies": {"necessary": 33, "analytics": 56}, "cookie": "prefix nocache"},
    {"mapping": {"password": {"type": "keyword", "index": False}}},
    {"headers": {"Authorization": "Bearer ***"}},
    {"passwd_cmd": "/usr/bin/passwd", "secret_scanning": {"enabled": True}, "jwt_kid": "2026-03"},
    {"csrf": {"enabled": True, "mode": "double-submit", "exempt": ["/webhooks/"]}},
]


@pytest.mark.parametrize("record", RECORDS, ids=str)
def test_keeps_records_that_speak_about_secrets(record: dict[str, object]) -> None:
    """What describes a secret, or only has its name, stays as it is."""
    assert redactor.value(record) == record


@pytest.mark.parametrize(
    ("record", "clean"),
    [
        (
            {"columns": ["id", "login", "password"], "rows": [[17, "bob", "kL9xQ2mW7z"]]},
            {"columns": ["id", "login", "password"], "rows": [[17, "bob", "[REDACTED]"]]},
        ),
        (
            {"rawHeaders": ["Host", "x.example", "X-Api-Key", "kL9xQ2mW7z"]},
            {"rawHeaders": ["Host", "x.example", "X-Api-Key", "[REDACTED]"]},
        ),
        ({"redis": ["AUTH", "kL9xQ2mW7z"]}, {"redis": ["AUTH", "[REDACTED]"]}),
        (
            {"tokens": [{"id": 1, "token": "kL9xQ2mW7z", "owner": "bob"}]},
            {"tokens": [{"id": 1, "token": "[REDACTED]", "owner": "bob"}]},
        ),
        (
            {"rows": [["id", "login", "password"], [1, "bob", "kL9xQ2mW7z"]]},
            {"rows": [["id", "login", "password"], [1, "bob", "[REDACTED]"]]},
        ),
        (
            {"columns": ["login", "api_key"], "values": ["bob", "kL9xQ2mW7z"]},
            {"columns": ["login", "api_key"], "values": ["bob", "[REDACTED]"]},
        ),
        ({"method": "login", "params": ["bob", "kL9xQ2mW7z"]}, {"method": "login", "params": ["bob", "[REDACTED]"]}),
        ({"login": ["bob", "kL9xQ2mW7z"]}, {"login": ["bob", "[REDACTED]"]}),
        (
            {"otp": {"method": "sms", "result": "482913"}},
            {"otp": {"method": "[REDACTED]", "result": "[REDACTED]"}},
        ),
        ({"secret": {"action": "rotate", "groups": {"old": "hunter2"}}}, {"secret": "[REDACTED]"}),
        ({"token": "kqzvjwxhtrpmbn", "line": 17}, {"token": "[REDACTED]", "line": 17}),
        ({"login": ["bob@example.com", "Hunter2x9"]}, {"login": ["[REDACTED]", "[REDACTED]"]}),
        ({"passcode": "dragon"}, {"passcode": "[REDACTED]"}),
        ({"cookie": "qwertzuiopasdfghjkl"}, {"cookie": "[REDACTED]"}),
        ({"client_secret": "prod-8f3k2l9d"}, {"client_secret": "[REDACTED]"}),
        ({"token": "83749283", "line": 1}, {"token": "[REDACTED]", "line": 1}),
        ({"data": [["password", "x1y2z3"], ["b", "c"]]}, {"data": [["password", "[REDACTED]"], ["b", "c"]]}),
        ({"pair": ["password", "secret123"]}, {"pair": ["password", "[REDACTED]"]}),
        ({"otp": [1, 2, 3, 4, 5, 6]}, {"otp": "[REDACTED]"}),
        ({"pass": 839201, "error": None}, {"pass": "[REDACTED]", "error": None}),
        ({"pwd": "/9fk39fKd93kdKd93"}, {"pwd": "[REDACTED]"}),
        ({"secret": "correct-horse-battery"}, {"secret": "[REDACTED]"}),
        ({"token_channel": "9fk39fKd93kdKd"}, {"token_channel": "[REDACTED]"}),
        ({"labels": {"password": "letmein"}}, {"labels": {"password": "[REDACTED]"}}),
        ({"pass": "letmein12", "fail": 0}, {"pass": "[REDACTED]", "fail": 0}),
        ({"pwd": "letmein12"}, {"pwd": "[REDACTED]"}),
        ({"tokens": {"app.auth": "letmein12"}}, {"tokens": {"app.auth": "[REDACTED]"}}),
        ({"env": ["TZ=UTC", "DB_PASSWORD=let&me=12"]}, {"env": ["TZ=UTC", "DB_PASSWORD=[REDACTED]"]}),
    ],
    ids=str,
)
def test_finds_what_the_shape_of_a_record_tells(record: dict[str, object], clean: dict[str, object]) -> None:
    """Columns, names and values by turns, members: the shape tells which value is the secret."""
    assert redactor.value(record) == clean


@pytest.mark.parametrize(
    ("fields", "clean"),
    [
        ({"columns": ["id", "password"], "rows": [[1, "kL9xQ2mW7z"]]}, {"rows": [[1, "[REDACTED]"]]}),
        ({"method": "login", "params": ["bob", "kL9xQ2mW7z"]}, {"params": ["bob", "[REDACTED]"]}),
        ({"login": ["bob", "kL9xQ2mW7z"]}, {"login": ["bob", "[REDACTED]"]}),
        ({"pass": 120, "fail": 0, "pwd": "/srv/app", "pin": "GPIO22"}, {}),
        ({"pass": "letmein12", "fail": 0}, {"pass": "[REDACTED]"}),
        ({"keys": ["secrets/README.md", "secrets/rotation-20230601.log"]}, {}),
        ({"token": "8f3a9c2d1e4b5a6f77 has expired and was removed"}, {"token": "[REDACTED]"}),
        ({"csrf": "Origin checking failed - https://a.example.org does not match any trusted origins."}, {}),
        ({"csrf": {"valid": False, "reason": "Origin checking failed", "origin": "https://a1.example.org"}}, {}),
        ({"secret_keys": ["tls.crt", "tls.key"], "host_key_fingerprints": ["SHA256:vzQP7AVi7zMq0Ndv4ZHAtFdWDOq"]}, {}),
        ({"option_token": "--token-file FILE"}, {}),
        ({"Key": "raw/year=2024/month=11/7c2c0ef49131.json.gz"}, {}),
        ({"kafka": {"topic": "shipments", "key": "ORD-2022-424862"}}, {}),
        ({"mfa": {"enrolled_pct": 69, "totp": 6778, "webauthn": 1305}}, {}),
        ({"cred": {"credential_type": "oidc", "key_id": "ec5dade8-c342-4868-9a7b-253951dfef5a", "scopes": "a"}}, {}),
        ({"secrets": 1209, "namespaces": 9077}, {}),
        ({"imageCredentials.password": "letmein12"}, {"imageCredentials.password": "[REDACTED]"}),
        ({"data": [("AzureAd:ClientSecret", "letmein12")]}, {"data": [("AzureAd:ClientSecret", "[REDACTED]")]}),
        ({"key": "db.password", "value": "letmein12", "id": 7}, {"value": "[REDACTED]"}),
        ({"field": "api_key", "old": "letmein12", "new": "letmein13"}, {"old": "[REDACTED]", "new": "[REDACTED]"}),
        ({"header": "Authorization", "value": "letmein12"}, {"value": "[REDACTED]"}),
        ({"key": "color", "value": "letmein12"}, {}),
        ({"key": "password", "request_id": "r1"}, {}),
    ],
    ids=str,
)
def test_fields_of_a_record_are_neighbours_too(fields: dict[str, object], clean: dict[str, object]) -> None:
    """What neighbours tell inside a value they tell among the fields of a record."""
    assert redactor.fields(fields) == {**fields, **clean}
    if dict not in map(type, fields.values()):  # of which paths of names may tell
        assert Redactor(keys=["a.path"]).fields(fields) == {**fields, **clean}


@pytest.mark.parametrize("path", ["/home/alice.meyer@example.com/x", "/data/bob.jones@example.org/"])
def test_a_folder_is_read_as_text(path: str) -> None:
    """What is no secret by its neighbours or its value may still hold one."""
    for fields in ({"pwd": path}, {"pwd": path, "argv": [1]}, {"c": {"pwd": path}}, {"c": {"pwd": path, "l": [[1]]}}):
        assert "@example" not in str(redact(fields))


@pytest.mark.parametrize(
    "before",
    [
        "Login bob/{} at db",
        "LOGIN bob/{} at db",
        "setex login:session_token 4283 {}",
        "GETSET login:session_token {}",
        "Magic Link: https://a.example.org/x/{}",
        "RESET LINK https://a.example.org/x/{}",
    ],
)
def test_notations_are_told_in_either_case(before: str) -> None:
    """What is looked for at first in a text is in it in each case that the pattern takes."""
    secret = "kL9xQ2mW7zRt5vBn8cYp"
    assert secret not in redact(before.format(secret))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("pay:4111111111111111 ok", "pay:[REDACTED] ok"),
        ("card:4111-1111-1111-1111", "card:[REDACTED]"),
        ("cc:5500005555555559|12/27", "cc:[REDACTED]|12/27"),
        ("call 555-123-4567 now", "call [REDACTED] now"),
        ("wrong password: expected kL9xQ2mW7z but got hunter2two", "wrong password: expected [REDACTED] but got [REDACTED]"),
        ("password mismatch kL9xQ2mW7z != hunter2two", "password mismatch [REDACTED] != [REDACTED]"),
        ('{password, <<"kL9xQ2mW7z">>}', '{password, <<"[REDACTED]">>}'),
        ("<Password enc='none' value='kL9xQ2mW7z'/>", "<Password enc='none' value='[REDACTED]'/>"),
        ("credentials ('bob', 'kL9xQ2mW7z') rejected", "credentials ('bob', '[REDACTED]') rejected"),
        ("csrf token mismatch 8f3a9c2d1e4b5a6f77", "csrf token mismatch [REDACTED]"),
        ("API key not valid: 8f3a9c2d1e4b5a6f77", "API key not valid: [REDACTED]"),
        ("password=golden_violin_pepper&x=1", "password=[REDACTED]&x=1"),
        ("docker login -u app -p rusty_kettle_pepper h", "docker login -u app -p [REDACTED] h"),
        ("please use password orange-ferret-teapot", "please use password [REDACTED]"),
        ("enable_secret=hunter2two region=eu", "enable_secret=[REDACTED] region=eu"),
        ("cookie_secret=SemIFH5+J2ZwzCZTGjx1uh= region=eu", "cookie_secret=[REDACTED] region=eu"),
        ("verificationcode:930849; 296 ms", "verificationcode:[REDACTED]; 296 ms"),
        ("[('mfacode', '680580'), ('x', 'y')]", "[('mfacode', '[REDACTED]'), ('x', 'y')]"),
        ("['shop', '--session', 'QqX0UYzPaF3RiliWCTUu8D']", "['shop', '--session', '[REDACTED]']"),
        ("POST /unlock/NvS6RKYsHQAzKdyjQFZnet7z HTTP/1.1", "POST /unlock/[REDACTED] HTTP/1.1"),
        ("/invitations/0NbJXTtx0kIAKTc5nXf4z8nJ/accept", "/invitations/[REDACTED]/accept"),
        ("X-ClickHouse-Key: rusty_anchor_lasagna", "X-ClickHouse-Key: [REDACTED]"),
        ("passport_number=CR2UEAFIQ", "passport_number=[REDACTED]"),
        ("PPS number: 1914502F (via web)", "PPS number: [REDACTED] (via web)"),
        ("invalid Teudat Zehut 412564833", "invalid Teudat Zehut [REDACTED]"),
        ("my_number='9562 8335 6074'", "my_number='[REDACTED]'"),
        ("\\e[33mpassword\\e[0m: letmein12 x", "\\e[33mpassword\\e[0m: [REDACTED] x"),
        ("USER app PASS battery-wombat-lantern +OK", "USER app PASS [REDACTED] +OK"),
        ("GET https://s.example/api/push/8TBFLqldcmAaegRe51bU5HY7?x=1", "GET https://s.example/api/push/[REDACTED]?x=1"),
        ("X-JFrog-Art-Api: letmein12", "X-JFrog-Art-Api: [REDACTED]"),
        ("licence_number=MORGA657054SM9IJ ok", "licence_number=[REDACTED] ok"),
        ('<meta name="csrf-token" content="AC3x0a1zZ1mL0OQ7"> on /', '<meta name="csrf-token" content="[REDACTED]"> on /'),
        ("password='\\''Harbor-Marble4253_'\\'' host=h", "password='\\''[REDACTED]'\\'' host=h"),
        ("xoauth2 dXNlcj1vcHMBYXV0aD1CZWFyZXIgMU1ub0duMXRyOHI4RXpwUQEB x", "xoauth2 [REDACTED] x"),
        ("acs_connection_request_password=letmein12", "acs_connection_request_password=[REDACTED]"),
        ("db_key_base=letmein12 x", "db_key_base=[REDACTED] x"),
        ("record_encryption_primary_key=x1y2z3", "record_encryption_primary_key=[REDACTED]"),
        ("matomo_token_auth=58361e1980cb1ad35ece52c5d0e606f5", "matomo_token_auth=[REDACTED]"),
        ("DD_APP_KEY now reads '895358a7753abbf6450e'", "DD_APP_KEY now reads '[REDACTED]'"),
        ("snmp timeout gw-4, community=letmein12", "snmp timeout gw-4, community=[REDACTED]"),
        ("community string S3cur3g1n answered", "community string [REDACTED] answered"),
        ('"Jwt:SecretKey": "letmein12", "Jwt:Issuer": "a"', '"Jwt:SecretKey": "[REDACTED]", "Jwt:Issuer": "a"'),
        ("('Authentication:Google:ClientSecret', 'letmein12')", "('Authentication:Google:ClientSecret', '[REDACTED]')"),
        ('<add key="Jwt:Key" value="letmein12" />', '<add key="Jwt:Key" value="[REDACTED]" />'),
        ("storePassword=Farfalla8879 alias=tls", "storePassword=[REDACTED] alias=tls"),
        ("transactionKey (letmein12) ok", "transactionKey ([REDACTED]) ok"),
        ("requirepass=Some(cPoSVicXNIW7==) ok", "requirepass=Some([REDACTED]) ok"),
        ("walletPassword=Optional[bgm542RFM]", "walletPassword=Optional[[REDACTED]]"),
        ("pre-shared key 1q2w3e4r39 on tunnel", "pre-shared key [REDACTED] on tunnel"),
        ("the wifi password KSFKdGVxLd at branch 72", "the wifi password [REDACTED] at branch 72"),
        ("SqlPassword (currently Panda8211!)", "SqlPassword (currently [REDACTED])"),
        ('ROOT_PASSWORD ("OpenOyster#82")', 'ROOT_PASSWORD ("[REDACTED]")'),
        ("env name=LDAP_PASSWORD value=letmein12 x", "env name=LDAP_PASSWORD value=[REDACTED] x"),
        ("<param-name>api_token</param-name><param-value>letmein12</param-value>",
         "<param-name>api_token</param-name><param-value>[REDACTED]</param-value>"),
        ("needs otp_code={889811}", "needs otp_code=[REDACTED]"),
        ("radtest bob pw123456 host 0 letmein12", "radtest bob [REDACTED] host 0 [REDACTED]"),
        ("OPER admin WiebkeLoves29", "OPER admin [REDACTED]"),
        ('chpasswd input "app:tornado-velvet-lantern" ok', 'chpasswd input "app:[REDACTED]" ok'),
        ("denied: scott/lizard-ember-pickle-anchor@db:1521/orcl", "denied: scott/[REDACTED]@db:1521/orcl"),
        ("X-Metabase-Session: 1d66f749-dee7-46f5-ae37-5584cced90d4", "X-Metabase-Session: [REDACTED]"),
        ("app.secret for alice is Thbnwpe8", "app.secret for alice is [REDACTED]"),
        ("GET https://h/cb?code=8f3a9c2d1e4b5a6f77aa&x=1", "GET https://h/cb?code=[REDACTED]&x=1"),
        ("GET https://h/verify?t=8f3a9c2d1e4b5a6f77aa", "GET https://h/verify?t=[REDACTED]"),
        ("GET /invite/8f3a9c2d1e4b5a6f77aa/x", "GET /invite/[REDACTED]/x"),
        ("\u201cpassword\u201d: \u201ckL9xQ2mW7z\u201d", "\u201cpassword\u201d: \u201c[REDACTED]\u201d"),
        ("\u00abпароль\u00bb: \u00abkL9xQ2mW7z\u00bb", "\u00abпароль\u00bb: \u00ab[REDACTED]\u00bb"),
    ],
)  # fmt: skip
def test_finds_the_secret_and_keeps_the_sentence(text: str, clean: str) -> None:
    """What was expected and what came, what became of a token, an element's own attribute, cards behind a colon."""
    assert redact(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "12:4111111111111111", "order:4111111111111112", "fe80::4111:1111:1111:1111", "ids 1,4111111111111111",
        "password: expected string but got integer", "password version mismatch 12345 != 12346",
        "token type mismatch: expected Bearer1 but got Basic12", "password: want at least 8, got 5",
        "token not found 5f0c2f6e-8f1a-4a7d-9b60-c1f1f2d3e4a5", "session failed store-primary-replica-2",
        "ean 4005626319235 restocked", "gtin=4001627046729 price=1.0", "cell 262-01-15075-70397 handover",
        "Can't locate revision identified by 'e62fd4e75bf8'", "api key ci-66 created by console, expires 2024-02-03",
        "lexer: token: NUMBER value: 7395 line: 686", "rehashing 281 passwords from pbkdf2_sha256 to argon2id",
        "policy: {'secrets': ['get', 'list'], 'effect': 'allow'}",
        "PolicyName: SandboxConfigurationS3BucketAccessPolicy", "gpgkey=https://artifacts.elastic.co/GPG-KEY-elasticsearch",
        "PublicKey: lJzRc1YdHaAA2KCNJJ1tkYwF/+mKK6Ygw0NGe170Xu592euJv2wYUtBlV8z+qnlcNQSnIYVTkLWntUO1F8j8rQ==",
        "docker run -e DRONE_TOKEN=<DRONE_TOKEN> -e DRONE_ID=<ID> image",
        "secrets: 1209 namespaces: 9", "credentials: [scrubbed by proxy] status 502", "GET /v1?token=%5BFiltered%5D&page=2",
        "password_secret=prod/pg/main", "password=vault:secret/data/app#db_password",
        "passwords_checked=149", "community=open-source", "token (currently unused)", "wifi password JavaScript",
        "password: (unchanged) profile 4", "twine upload dist/lib-7.16.tar.gz as __token__ / x", "X-Auth-User: kiosk",
        "credentials ('username', 'password') missing", "password=user_supplied_value", "password=hashed_form_field",
        "token-exchange-api: compiled 973 tests", "outgoing call to token-exchange-api: GET /x", "**Token type:** Bearer",
        "cookie_prefs=analytics", "https://github.com/acme/auth-gateway/commit/b0670cb09ab2baf40878566b3e7ccc9d2ba32d22",
        '["www-authenticate", "Bearer realm=\\"orders\\", error=\\"invalid_token\\""]',
        "{'PROXYAUTH': ('AUTH',)}", "authinfo = HTTPBasicAuthHandler()", "passport: middleware loaded",
        "https://h/shop?code=SUMMER2026", "https://h/x?code=404",
        "GET /verify/step2/overview", "https://h/login?ref=homepage-banner-2", "GET /blob/8f3a9c2d1e4b5a6f77aa/x",
    ],
)  # fmt: skip
def test_keeps_the_like_without_a_secret(text: str) -> None:
    """Clocks, addresses, counts, types and names stay in the same sentences."""
    assert redact(text) == text


def test_a_signature_of_aws_needs_no_header() -> None:
    """Its scheme says what its parameters are: whose it is and for what stays."""
    scope = "/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature="
    text = f"sent AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPL{scope}d96e573d87eb8edeabd2f60bab2eb32f6838d20c ok"

    assert redact(text) == f"sent AWS4-HMAC-SHA256 Credential=[REDACTED]{scope}[REDACTED] ok"
