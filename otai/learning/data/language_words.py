"""Words by which a text of a few of them is told: those that every sentence has, and what tickets are about."""

from __future__ import annotations

FUNCTION_WORDS = {
    "en": "the my is are do does how what where why can cannot not and to for of with from you your please i was "
    "been this it on when have has there",
    "de": "der die das mein meine ist sind nicht und wie was wo warum kann ich bitte für von mit auf ein eine den "
    "dem keine kein zu mehr im",
    "fr": "le la les mon ma mes est sont ne pas et comment où pourquoi je vous pour de du des avec un une sur plus "
    "en",
    "es": "el la los mi mis es está están no y cómo dónde por para de del con un una en qué mal",
    "it": "il la lo i mio mia è sono non e come dove perché per di del con un una ho che",
    "nl": "de het mijn is niet en hoe waar waarom kan ik voor van met een op geen er",
    "pt": "o a os meu minha é está não e como onde por para de do da com um uma em que",
    "pl": "jest nie i jak gdzie mój moja moje na do z się w mam proszę",
    "da": "er ikke og min mit hvor hvordan jeg kan det i på",
    "sv": "är inte och min mitt hur var jag kan det i på",
    "cs": "je není a jak kde můj moje mi se na",
    "fi": "on ei ja miten missä minun",
    "hu": "nem és hogyan hol az a",
    "ro": "este nu și cum unde meu mea mai",
    "tr": "ve bir nas\u0131l nerede değil bu",
}  # fmt: skip
"""Articles, verbs that help, questions."""
DESK_WORDS = {
    "en": "broken working work works fails failed password account reset request access need needs needed issue "
    "slow missing wrong lost stolen stuck locked invoice payment delivery late customer does doesn't won't "
    "can't would could should keyboard mouse down empty",
    "de": "kaputt defekt funktioniert geht gehen startet passwort kennwort konto zugriff zugang brauche benötige "
    "hilfe fehler problem bildschirm langsam fehlt falsch verloren gestohlen gesperrt bestellung rechnung "
    "zahlung lieferung kunde benutzer rechner drucker ändern tastatur maus telefon leer voll schwarz wieder "
    "seit nach noch wird werden druckt lässt",
    "fr": "cassé cassée panne fonctionne marche erreur échec mot passe compte réinitialiser accès besoin aide "
    "problème écran lent lente manque faux perdu perdue volé volée bloqué bloquée commande facture paiement "
    "livraison client utilisateur ordinateur imprimante nouveau nouvelle changer clavier souris téléphone "
    "vide plein noir encore depuis après s'ouvre démarre",
    "es": "roto rota averiado funciona error contraseña cuenta restablecer acceso necesito ayuda problema pantalla "
    "lento lenta falta incorrecto perdido robado bloqueado bloqueada pedido factura pago entrega cliente "
    "usuario ordenador impresora nuevo nueva cambiar teclado ratón teléfono vacío lleno negra otra desde "
    "después abre arranca",
    "it": "rotto rotta guasto funziona errore accesso reimpostare bisogno aiuto problema schermo lento lenta manca "
    "sbagliato perso rubato bloccato bloccata ordine fattura pagamento consegna cliente utente computer "
    "stampante nuovo nuova cambiare tastiera telefono vuoto pieno nero ancora dopo apre parte",
    "nl": "kapot stuk werkt werken doet fout mislukt wachtwoord toegang nodig hulp probleem scherm traag langzaam "
    "ontbreekt verkeerd kwijt gestolen geblokkeerd bestelling factuur betaling levering klant gebruiker "
    "nieuwe nieuw wijzigen toetsenbord muis telefoon leeg vol zwart plat weer sinds na nog wordt start opent",
    "pt": "quebrado quebrada avariado avariada funciona erro senha conta redefinir acesso preciso ajuda problema "
    "ecrã tela lento lenta falta errado perdido roubado bloqueado bloqueada pedido encomenda fatura pagamento "
    "entrega cliente utilizador usuário computador impressora novo nova mudar teclado telefone vazio cheio "
    "preto desde depois abre",
    "pl": "zepsuty zepsuta zepsute działa błąd hasło konto dostęp potrzebuję pomoc pomocy problem ekran wolno brak "
    "brakuje zgubiony skradziony zablokowane zablokowany zamówienie faktura płatność dostawa klient "
    "użytkownik komputer drukarka nowy nowa zmienić klawiatura mysz telefon pusty czarny znowu od po otwiera",
}  # fmt: skip
"""What tickets are about, as far as its form tells a language: "is" is said in English and in Dutch, "broken" in
English alone."""
