"""Short questions as people type them into a helpdesk's form, by language: made for these tests, learnt from by
nothing. Loan words, product names and missing accents are as common as in real ones."""

from __future__ import annotations

ENGLISH = """
how do i reset my pin|card not working|where is my refund|cancel my order please|wifi is down again
why was i charged twice|can i change my address
printer offline|vpn not connecting|need access to sharepoint|password expired|is my card active
what is my balance|transfer still pending|app crashes on login
laptop very slow|no sound in teams|screen is black|outlook keeps asking for password|please unlock my account
how long does delivery take|order not received
wrong item sent|refund not showing|how to top up|exchange rate is wrong|atm ate my card|can i get a virtual card
delete my account|verify my identity
phone stolen what now|mailbox full|need a new mouse|monitor flickers|zoom audio issue|cannot print pdf
badge not working|install python please|vpn token lost
error 404 on portal|site is down|invoice missing|update my billing details|change plan|do you ship to spain
is there a fee abroad|limit on my account
payment declined|direct debit failed|statement for march|code not arriving|two factor reset|sap locked
excel macro error|disk full|battery dead|keyboard broken
new joiner setup|move desk phone|guest wifi code|projector room 5|license expired adobe|shared drive gone
sync stuck in onedrive|bluetooth headset no mic
""".replace("\n", "|")
GERMAN = """
pin vergessen|karte gesperrt|wo bleibt meine erstattung|bestellung stornieren bitte|wlan geht nicht
doppelt abgebucht|adresse ändern|drucker offline
vpn verbindet nicht|brauche zugriff auf sharepoint|passwort abgelaufen|laptop sehr langsam|kein ton in teams
bildschirm schwarz|konto entsperren bitte
lieferung dauert zu lange|falscher artikel geliefert|rechnung fehlt|neue maus benötigt|postfach voll
ausweis funktioniert nicht|fehler beim anmelden
zahlung abgelehnt|kontoauszug für märz|code kommt nicht an|sap gesperrt|tastatur kaputt|telefon umziehen
gäste wlan code|beamer raum 5|lizenz abgelaufen
laufwerk ist weg
""".replace("\n", "|")
FRENCH = """
code pin oublié|carte bloquée|où est mon remboursement|annuler ma commande svp|le wifi ne marche pas
débité deux fois|changer mon adresse
imprimante hors ligne|vpn ne se connecte pas|besoin d'accès à sharepoint|mot de passe expiré|ordinateur très lent
pas de son dans teams|écran noir
débloquer mon compte svp|livraison trop longue|mauvais article reçu|facture manquante
besoin d'une nouvelle souris|boîte mail pleine|badge ne fonctionne pas
erreur de connexion|paiement refusé|relevé de mars|code non reçu|sap bloqué|clavier cassé|déplacer mon téléphone
code wifi invité|projecteur salle 5
licence expirée|lecteur réseau disparu
""".replace("\n", "|")
DUTCH = """
pincode vergeten|kaart geblokkeerd|waar blijft mijn terugbetaling|bestelling annuleren graag|wifi doet het niet
dubbel afgeschreven|adres wijzigen
printer offline in de gang|vpn maakt geen verbinding|toegang nodig tot sharepoint|wachtwoord verlopen
laptop erg traag|geen geluid in teams|zwart scherm
account deblokkeren graag|levering duurt te lang|verkeerd artikel ontvangen|factuur ontbreekt|nieuwe muis nodig
mailbox zit vol|pasje werkt niet
fout bij inloggen|betaling geweigerd|afschrift van maart|code komt niet binnen|sap geblokkeerd|toetsenbord kapot
telefoon verhuizen|code gastenwifi
beamer kamer 5|licentie verlopen|netwerkschijf is weg
""".replace("\n", "|")
SPANISH = """
pin olvidado|tarjeta bloqueada|dónde está mi reembolso|cancelar mi pedido por favor|el wifi no funciona
cobrado dos veces|cambiar mi dirección
impresora sin conexión|la vpn no conecta|necesito acceso a sharepoint|contraseña caducada|portátil muy lento
no hay sonido en teams|pantalla negra
desbloquear mi cuenta|la entrega tarda mucho|artículo equivocado|falta la factura|necesito un ratón nuevo
buzón lleno|la tarjeta de acceso no va
error al iniciar sesión|pago rechazado|extracto de marzo|el código no llega|sap bloqueado|teclado roto
mover mi teléfono|código wifi invitados
proyector sala 5|licencia caducada|unidad de red desaparecida
""".replace("\n", "|")
ITALIAN = """
pin dimenticato|carta bloccata|dov'è il mio rimborso|annullare il mio ordine grazie|il wifi non funziona
addebitato due volte|cambiare indirizzo
stampante non in linea|la vpn non si connette|serve accesso a sharepoint|password scaduta da ieri
portatile molto lento|nessun audio in teams|schermo nero
sbloccare il mio account|consegna troppo lunga|articolo sbagliato|fattura mancante|serve un mouse nuovo
casella piena|il badge non funziona
errore di accesso|pagamento rifiutato|estratto conto di marzo|il codice non arriva|sap bloccato|tastiera rotta
spostare il telefono|codice wifi ospiti
proiettore sala 5|licenza scaduta|cartella di rete sparita
""".replace("\n", "|")
POLISH = """
zapomniałem pin|karta zablokowana|gdzie jest mój zwrot|proszę anulować zamówienie|wifi nie działa
pobrano dwa razy|zmiana adresu|drukarka offline w biurze
vpn nie łączy|potrzebny dostęp do sharepoint|hasło wygasło|laptop bardzo wolny|brak dźwięku w teams|czarny ekran
proszę odblokować konto
dostawa trwa za długo|zły towar|brak faktury|potrzebna nowa mysz|skrzynka pełna|identyfikator nie działa
błąd logowania|płatność odrzucona
wyciąg za marzec|kod nie przychodzi|sap zablokowany|klawiatura zepsuta|przenieść telefon|kod wifi dla gości
rzutnik sala 5|licencja wygasła
dysk sieciowy zniknął
""".replace("\n", "|")
PORTUGUESE = """
esqueci o pin|cartão bloqueado|onde está o meu reembolso|cancelar a minha encomenda|o wifi não funciona
cobrado duas vezes|mudar a morada
impressora desligada|a vpn não liga|preciso de acesso ao sharepoint|palavra-passe expirada|portátil muito lento
sem som no teams|ecrã preto
desbloquear a minha conta|entrega demora muito|artigo errado|fatura em falta|preciso de um rato novo
caixa de correio cheia|o crachá não funciona
erro ao iniciar sessão|pagamento recusado|extrato de março|o código não chega|sap bloqueado outra vez
teclado avariado|mudar o telefone
código wifi convidados|projetor sala 5|licença expirada|pasta de rede desapareceu
""".replace("\n", "|")


def _listed(text: str) -> list[str]:
    return [question.strip() for question in text.split("|") if question.strip()]


BY_LANGUAGE = {
    "en": _listed(ENGLISH), "de": _listed(GERMAN), "fr": _listed(FRENCH), "nl": _listed(DUTCH),
    "es": _listed(SPANISH), "it": _listed(ITALIAN), "pl": _listed(POLISH), "pt": _listed(PORTUGUESE),
}  # fmt: skip
