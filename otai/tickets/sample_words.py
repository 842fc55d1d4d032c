"""What the synthetic tickets are made of: topics of an invented company's helpdesk, in English and German.

A topic belongs to one category, a category to one queue. Words in braces are filled in by `sample.py`. Nothing here is
from a real ticket.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """`weight` says how often it comes up; `type` is its usual type; `texts` maps a language to (subjects, first
    sentences)."""

    queue: str
    category: str
    weight: int
    type: str
    tags: tuple[str, ...]
    texts: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]


TOPICS = (
    Topic("IT Support", "Password", 14, "Request", ("login", "account"), {
        "en": (("Password reset", "Locked out", "Cannot log in", "Account locked after update"),
               ("I cannot log in to {product} any more, it says my password has expired.", "My account is locked after "
               "several attempts.",
                "Please reset my password for {product}.", "The reset mail for my password never "
                "arrives.", "Two-factor "
                "code is not accepted at login.")),
        "de": (("Passwort zurücksetzen", "Konto gesperrt", "Anmeldung nicht möglich", "Kein Login"),
               ("ich kann mich bei {product} nicht mehr anmelden, das Passwort sei abgelaufen.", "mein Konto ist nach "
               "mehreren Versuchen gesperrt.",
                "bitte setzen Sie mein Passwort für {product} zurück.", "die Mail zum Zurücksetzen kommt nicht "
                "an.", "der "
                "zweite Faktor wird bei der Anmeldung nicht angenommen."))}),
    Topic("IT Support", "Network", 9, "Incident", ("vpn", "network"), {
        "en": (("VPN drops", "No network in the office", "Wi-Fi very slow", "Connection lost"),
               ("The VPN connection breaks every few minutes.", "Since this morning there is no network on floor "
               "{number}.",
                "Wi-Fi in the meeting room is so slow that calls freeze.", "I cannot reach {product} from home, in the "
                "office it works.")),
        "de": (("VPN bricht ab", "Kein Netz im Büro", "WLAN sehr langsam", "Verbindung weg"),
               ("die VPN-Verbindung bricht alle paar Minuten ab.", "seit heute Morgen gibt es im {number}. Stock kein "
               "Netz.",
                "das WLAN im Besprechungsraum ist so langsam, dass Anrufe stocken.", "von zu Hause erreiche ich "
                "{product} nicht, im Büro schon."))}),
    Topic("IT Support", "Hardware", 10, "Incident", ("hardware", "device"), {
        "en": (("Laptop does not start", "Printer jam", "Second screen needed", "Docking station broken"),
               ("My laptop shows a black screen after the update.", "The printer on floor {number} reports a paper "
               "jam, there is none.",
                "The docking station no longer charges my laptop.", "The headset only works on one side.", "I need a "
                "second monitor for my desk.")),
        "de": (("Laptop startet nicht", "Drucker streikt", "Zweiter Bildschirm", "Dockingstation defekt"),
               ("mein Laptop zeigt nach dem Update nur einen schwarzen Bildschirm.", "der Drucker im {number}. Stock "
               "meldet Papierstau, es ist aber keiner da.",
                "die Dockingstation lädt den Laptop nicht mehr.", "das Headset funktioniert nur auf einer "
                "Seite.", "ich "
                "brauche einen zweiten Monitor am Platz."))}),
    Topic("IT Support", "Access rights", 7, "Request", ("account", "permissions"), {
        "en": (("Access to shared folder", "New colleague needs an account", "Permission missing"),
               ("Please give me access to the folder of project {number}.", "A new colleague starts on Monday and "
               "needs an account for {product}.",
                "I have no permission to open the reports in {product}.", "Please remove the rights of a colleague who "
                "has left.")),
        "de": (("Zugriff auf Ordner", "Neue Kollegin braucht Konto", "Berechtigung fehlt"),
               ("bitte geben Sie mir Zugriff auf den Ordner zu Projekt {number}.", "am Montag fängt eine neue Kollegin "
               "an und braucht ein Konto für {product}.",
                "mir fehlt die Berechtigung für die Auswertungen in {product}.", "bitte entziehen Sie einem "
                "ausgeschiedenen Kollegen die Rechte."))}),
    Topic("Billing", "Invoice", 12, "Question", ("invoice", "payment"), {
        "en": (("Invoice question", "Charged twice", "Wrong amount on invoice", "VAT missing"),
               ("Invoice {number} shows an amount that we did not agree on.", "We were charged twice for {product} "
               "this month.",
                "The VAT id is missing on invoice {number}.", "Could you send me a copy of the invoice for last "
                "month?", "Your "
                "reminder is wrong, invoice {number} is paid.")),
        "de": (("Frage zur Rechnung", "Doppelt abgebucht", "Falscher Betrag", "Mahnung erhalten"),
               ("die Rechnung {number} weist einen Betrag aus, der nicht vereinbart war.", "für {product} wurde diesen "
               "Monat doppelt abgebucht.",
                "auf Rechnung {number} fehlt die Umsatzsteuer-ID.", "könnten Sie mir die Rechnung vom letzten Monat "
                "noch einmal senden?", "Ihre "
                "Mahnung ist falsch, Rechnung {number} ist bezahlt."))}),
    Topic("Billing", "Refund", 7, "Request", ("refund", "payment"), {
        "en": (("Refund please", "Where is my money", "Cancel and refund"),
               ("I returned the order {number} and still wait for my refund.", "Please refund the fee for {product}, "
               "we cancelled in time.",
                "The credit note for order {number} is lower than what I paid.")),
        "de": (("Erstattung", "Wo bleibt mein Geld", "Storno und Gutschrift"),
               ("ich habe die Bestellung {number} zurückgeschickt und warte noch auf die Erstattung.", "bitte "
               "erstatten Sie die Gebühr für {product}, wir haben rechtzeitig gekündigt.",
                "die Gutschrift zur Bestellung {number} ist niedriger als mein bezahlter Betrag."))}),
    Topic("Billing", "Contract", 4, "Request", ("contract",), {
        "en": (("Cancel our contract", "Change of plan", "New billing address"),
               ("We would like to cancel the contract for {product} at the end of the quarter.", "Please move us to "
               "the larger plan of {product}.",
                "Our billing address has changed, please update the contract.")),
        "de": (("Vertrag kündigen", "Tarif wechseln", "Neue Rechnungsadresse"),
               ("wir möchten den Vertrag für {product} zum Quartalsende kündigen.", "bitte stellen Sie uns auf den "
               "größeren Tarif von {product} um.",
                "unsere Rechnungsadresse hat sich geändert, bitte passen Sie den Vertrag an."))}),
    Topic("Logistics", "Delivery", 10, "Incident", ("delivery", "order"), {
        "en": (("Parcel not arrived", "Order late", "Where is my order", "Wrong address"),
               ("Order {number} should have arrived last week.", "Tracking for order {number} has not moved for days.",
                "The parcel was delivered to the wrong address.", "Half of order {number} is missing in the parcel.")),
        "de": (("Paket nicht angekommen", "Lieferung verspätet", "Wo ist meine Bestellung"),
               ("die Bestellung {number} sollte letzte Woche ankommen.", "die Sendungsverfolgung zu {number} steht "
               "seit Tagen still.",
                "das Paket wurde an die falsche Adresse geliefert.", "von Bestellung {number} fehlt die Hälfte im "
                "Paket."))}),
    Topic("Logistics", "Return", 5, "Request", ("return", "order"), {
        "en": (("Return label", "Goods damaged", "Exchange"),
               ("I need a return label for order {number}.", "The goods of order {number} arrived damaged.", "I would "
               "like to exchange an item of order {number}.")),
        "de": (("Retourenschein", "Ware beschädigt", "Umtausch"),
               ("ich brauche einen Retourenschein für Bestellung {number}.", "die Ware aus Bestellung {number} kam "
               "beschädigt an.", "ich "
               "möchte einen Artikel aus Bestellung {number} umtauschen."))}),
    Topic("Product Support", "Error", 11, "Incident", ("bug", "crash"), {
        "en": (("{product} crashes", "Error message", "Export fails", "Page does not load"),
               ("{product} crashes when I open a large file.", "I get error {number} when saving in {product}.",
                "The export from {product} has stopped at 90 percent.", "Since the last release the search in "
                "{product} finds nothing.", "The "
                "dashboard of {product} stays empty.")),
        "de": (("{product} stürzt ab", "Fehlermeldung", "Export bricht ab", "Seite lädt nicht"),
               ("{product} stürzt ab, wenn ich eine große Datei öffne.", "beim Speichern in {product} kommt Fehler "
               "{number}.",
                "der Export aus {product} bleibt bei 90 Prozent stehen.", "seit dem letzten Release findet die Suche "
                "in {product} nichts mehr.", "das "
                "Dashboard von {product} bleibt leer."))}),
    Topic("Product Support", "How-to", 8, "Question", ("howto",), {
        "en": (("How do I", "Question about {product}", "Is it possible to"),
               ("How do I share a report from {product} with a customer?", "Can {product} send a weekly summary by "
               "mail?",
                "Where in {product} can I change the language?", "Is there a manual for the import in {product}?")),
        "de": (("Wie geht das", "Frage zu {product}", "Ist es möglich"),
               ("wie teile ich eine Auswertung aus {product} mit einem Kunden?", "kann {product} wöchentlich eine "
               "Zusammenfassung mailen?",
                "wo stelle ich in {product} die Sprache um?", "gibt es eine Anleitung für den Import in {product}?"))}),
    Topic("Product Support", "Feature request", 4, "Request", ("feature",), {
        "en": (("Suggestion", "Feature request", "Missing function"),
               ("It would be great if {product} had a dark theme.", "Please add an interface to our calendar in "
               "{product}.", "We "
               "miss a bulk edit in {product}.")),
        "de": (("Vorschlag", "Wunsch", "Fehlende Funktion"),
               ("es wäre schön, wenn {product} ein dunkles Design hätte.", "bitte ergänzen Sie in {product} eine "
               "Schnittstelle zu unserem Kalender.", "uns "
               "fehlt in {product} eine Sammelbearbeitung."))}),
    Topic("Human Resources", "Leave", 5, "Request", ("leave", "hr"), {
        "en": (("Leave request", "Vacation days wrong", "Parental leave"),
               ("My remaining vacation days are shown wrong in {product}.", "I would like to apply for parental leave "
               "from spring.", "Please "
               "correct my sick days of last month.")),
        "de": (("Urlaubsantrag", "Resturlaub falsch", "Elternzeit"),
               ("mein Resturlaub wird in {product} falsch angezeigt.", "ich möchte ab Frühjahr Elternzeit "
               "beantragen.", "bitte "
               "korrigieren Sie meine Krankheitstage vom letzten Monat."))}),
    Topic("Human Resources", "Payroll", 4, "Question", ("payroll", "hr"), {
        "en": (("Payslip question", "Overtime not paid", "Bank account changed"),
               ("My payslip lacks the overtime of last month.", "My bank account has changed, where do I enter "
               "it?", "The "
               "tax class on my payslip is wrong.")),
        "de": (("Frage zur Abrechnung", "Überstunden fehlen", "Neue Bankverbindung"),
               ("auf meiner Gehaltsabrechnung fehlen die Überstunden.", "meine Bankverbindung hat sich geändert, wo "
               "trage ich sie ein?", "die "
               "Steuerklasse auf der Abrechnung stimmt nicht."))}),
    Topic("Facilities", "Building", 3, "Incident", ("building",), {
        "en": (("Heating broken", "Light flickers", "Key card"),
               ("The heating in room {number} does not work.", "The light on floor {number} flickers all day.", "My "
               "key card no longer opens the garage.")),
        "de": (("Heizung defekt", "Licht flackert", "Schlüsselkarte"),
               ("die Heizung in Raum {number} geht nicht.", "das Licht im {number}. Stock flackert den ganzen "
               "Tag.", "meine "
               "Schlüsselkarte öffnet die Garage nicht mehr."))}),
    Topic("Security", "Phishing", 3, "Incident", ("security", "mail"), {
        "en": (("Suspicious mail", "Phishing?", "Possible breach"),
               ("I received a mail that asks for my password and looks fake.", "I clicked on a link in a strange mail, "
               "what now?", "Somebody "
               "signed in to my account from abroad.")),
        "de": (("Verdächtige Mail", "Phishing?", "Möglicher Angriff"),
               ("ich habe eine Mail bekommen, die nach meinem Passwort fragt und falsch aussieht.", "ich habe in einer "
               "seltsamen Mail auf einen Link geklickt, was nun?", "jemand "
               "hat sich aus dem Ausland in mein Konto angemeldet."))}),
)  # fmt: skip

VAGUE = {
    "en": ("It still does not work.", "As discussed on the phone.", "Please see the attachment.", "Same problem as "
    "last week.", "Can "
    "somebody call me back?"),
    "de": ("es geht immer noch nicht.", "wie am Telefon besprochen.", "siehe Anhang.", "gleiches Problem wie letzte "
    "Woche.", "kann "
    "mich jemand zurückrufen?"),
}  # fmt: skip
"""Tickets that say nearly nothing: nobody could sort them from their text alone."""

URGENCY = {
    "en": (("There is no hurry.", "Whenever you find the time.", "Just for information."),
           ("Thank you for looking into it.", "Please let me know when it is done.", "It would help me a lot."),
           ("Several colleagues are affected.", "I cannot finish my work.", "Please answer today.", "The deadline is "
           "tomorrow."),
           ("Nobody here can work any more!", "This is urgent, our customers are affected.", "The whole site is "
           "down.", "We "
           "are losing money every hour.")),
    "de": (("Es eilt nicht.", "Wenn Sie einmal Zeit haben.", "Nur zur Information."),
           ("Danke fürs Nachsehen.", "Bitte geben Sie Bescheid, wenn es erledigt ist.", "Das würde mir sehr helfen."),
           ("Mehrere Kolleginnen sind betroffen.", "Ich kann meine Arbeit nicht abschließen.", "Bitte antworten Sie "
           "noch heute.", "Die "
           "Frist läuft morgen ab."),
           ("Hier kann niemand mehr arbeiten!", "Es ist dringend, unsere Kunden sind betroffen.", "Der ganze Standort "
           "steht.", "Wir "
           "verlieren jede Stunde Geld.")),
}  # fmt: skip
"""From low to critical; what a writer says about urgency, and what an agent then chooses, are not always the same."""

PRIORITIES = ("low", "medium", "high", "critical")

MORE = {
    "en": ("I have restarted twice already.", "It worked fine until last Friday.", "A screenshot is attached.", "My "
    "colleague has the same.",
           "I tried it in another browser as well.", "You can reach me on extension {number}.", "This is the third "
           "time this year.", "I "
           "could not find anything in the help pages."),
    "de": ("Neu gestartet habe ich schon zweimal.", "Bis letzten Freitag ging alles.", "Ein Bildschirmfoto hängt "
    "an.", "Meine "
    "Kollegin hat dasselbe.",
           "In einem anderen Browser habe ich es auch versucht.", "Sie erreichen mich unter Durchwahl {number}.", "Das "
           "ist schon das dritte Mal in diesem Jahr.", "In "
           "der Hilfe habe ich nichts gefunden."),
}  # fmt: skip

GREETINGS = {
    "en": ("Hi,", "Hello,", "Dear team,", "Good morning,", ""),
    "de": ("Hallo,", "Guten Tag,", "Sehr geehrte Damen und Herren,", "Moin,", ""),
}
CLOSINGS = {
    "en": ("Best regards", "Thanks", "Kind regards", "Cheers", ""),
    "de": ("Viele Grüße", "Mit freundlichen Grüßen", "Danke und Gruß", "Beste Grüße", ""),
}
WRITERS = (
    "Ada Example",
    "Ben Muster",
    "Clara Beispiel",
    "David Sample",
    "Eva Probe",
    "Finn Test",
    "Greta Dummy",
    "Hugo Platzhalter",
)
SIGNATURES = {
    "en": (
        "{writer}\nSales · Example Corp · Phone 0000 {number}",
        "{writer}\nThis e-mail is confidential.",
        "Sent from my phone",
    ),
    "de": (
        "{writer}\nVertrieb · Muster GmbH · Tel. 0000 {number}",
        "{writer}\nDiese E-Mail ist vertraulich.",
        "Von meinem Telefon gesendet",
    ),
}

PRODUCTS = (
    ("Atlas CRM", 30),
    ("Borealis Mail", 22),
    ("Cirrus Files", 17),
    ("Delta Shop", 14),
    ("Ember Analytics", 10),
    ("Fjord Time", 7),
)

AGENTS = {
    "IT Support": (("Mia", 45), ("Jonas", 35), ("Priya", 20)),
    "Billing": (("Lena", 70), ("Omar", 30)),
    "Logistics": (("Tom", 60), ("Aylin", 40)),
    "Product Support": (("Sofia", 40), ("Marek", 35), ("Nils", 25)),
    "Human Resources": (("Ruth", 100),),
    "Facilities": (("Igor", 100),),
    "Security": (("Kim", 100),),
}
