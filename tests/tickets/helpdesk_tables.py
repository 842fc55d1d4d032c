"""Tables as helpdesks write them, with all the columns around the few that matter."""

from __future__ import annotations

from tests.tickets.helpdesk_rows import Made, Right, message_rows, table

DAY = "{at:%Y-%m-%d %H:%M:%S}"

TABLES: dict[str, tuple[Made, Right]] = {
    "Jira, all fields": (
        table(
            "Summary = {subject} | Issue key = SUP-{n} | Issue id = 2000{n} | Issue Type = {kind} | Status = {state} | "
            "Project key = SUP | Project name = Support | Priority = {urgency} | Resolution = ?Fixed | "
            "Assignee = {agent} | Assignee Id = 5f{agent_number}:ab | Reporter = {person} | "
            "Reporter Id = 70121:{mail} | "
            "Creator = {person} | Created = {at:%d/%b/%y %I:%M %p} | "
            "Updated = {later:%d/%b/%y %I:%M %p} | "
            "Last Viewed = {later:%d/%b/%y %I:%M %p} | Resolved = ?{later:%d/%b/%y %I:%M %p} | "
            "Component/s = {topic} | "
            "Component/s = [VPN~~~~] | Labels = [vip~onsite~] | Labels = [laptop~~~] | "
            "Description = {body} | "
            "Environment = | Watchers = {person} | Watchers = {agent} | Time Spent = {few}00 | "
            "Work Ratio = -1 | "
            "Custom field (Request Type) = [Get help~New device] | "
            "Custom field (Satisfaction) = ?{few} | "
            "Custom field (Time to resolution) = {n}000 | "
            "Custom field (Team) = {team} | "
            ""
            "Comment = {later:%d/%b/%y %I:%M %p};557058:ab;Thank you for request {n}, we look into it and {agent}  | "
            ""
            "{team} will call you as soon as there is news. | "
        ""
            "Comment = ?{later:%d/%b/%y %I:%M %p};557058:cd;{solved}  | "
        ),
        Right(
            "Summary", "Description", "Issue key", "Created",
            {"Issue Type", "Priority", "Assignee", "Component/s", "Labels", "Custom field (Request Type)",
             "Custom field (Team)"},
            {"Status", "Resolution", "Custom field (Satisfaction)", "Custom field (Time to resolution)", "Time Spent",
             "Reporter", "Creator", "Watchers", "Comment", "Assignee Id", "Work Ratio"},
        ),
    ),
    "Znuny, statistics in German": (
        table(
            "Nummer = {n} | Ticket# = 20260105{n:08d} | Alter = {few} t {few} s | Titel = {subject} | "
            f"Erstellt = {DAY} | Geschlossen = ?{DAY} | Status = {{state}} | Priorität = [2 niedrig~4 hoch~3 normal] | "
            "Queue = {team} | Sperre = [frei~gesperrt] | Besitzer = {agent} | Vorname des Benutzers = {agent_first} | "
            "Nachname des Benutzers = {agent_last} | Kundennummer = K{few} | Kunde = {person} | "
            "Von = {person} <{mail}> | Betreff = {subject} | Text = {body} | Abgerechnete Zeit = {few} | "
            "Lösungszeit in Minuten = {n} | Erste Reaktion - Differenz in Minuten = {few} | Anzahl Artikel = {few}",
            delimiter=";",
        ),
        Right(
            "Betreff", "Text", "Ticket#", "Erstellt", {"Priorität", "Queue", "Besitzer"},
            {"Status", "Alter", "Kunde", "Von", "Abgerechnete Zeit", "Lösungszeit in Minuten", "Anzahl Artikel",
             "Erste Reaktion - Differenz in Minuten", "Vorname des Benutzers", "Nachname des Benutzers", "Sperre"},
        ),
    ),
    "Znuny, a row an article, the automatic answer first": (
        message_rows(
            "ArticleID|TicketID|TicketNumber|SenderType|IsVisibleForCustomer|From|To|Subject|Body|CreateTime|Queue|"
            "Priority|Owner",
            "1{n}|{n}|2026{n:06d}|system|0|OTRS||Auto reply|We have received your request and will come back to you.|"
            f"{DAY}|{{team}}|[2 low~4 high]|{{agent}}",
            f"2{{n}}|{{n}}|2026{{n:06d}}|customer|1|{{person}}|support|{{subject}}|{{body}}|{DAY}|{{team}}|"
            "[2 low~4 high]|{agent}",
            "3{n}|{n}|2026{n:06d}|agent|1|{agent}|{person}|Re: {subject}|{solved}|{later:%Y-%m-%d %H:%M:%S}|{team}|"
            "[2 low~4 high]|{agent}",
            delimiter=";",
        ),
        Right(
            "Subject", "Body", "TicketNumber", "CreateTime", {"Queue", "Priority", "Owner"},
            {"SenderType", "From", "IsVisibleForCustomer"},
        ),
    ),
    "GLPI in French": (
        table(
            "ID = 10 {n:03d} | Titre = {subject} | Statut = [Clos~Clos~Nouveau] | "
            "Dernière modification = {later:%d-%m-%Y %H:%M} | Date d'ouverture = {at:%d-%m-%Y %H:%M} | "
            "Priorité = [Basse~Haute~Moyenne] | Demandeur - Demandeur = {person} | Attribué à - Technicien = {agent} | "
            "Attribué à - Groupe de techniciens = {team} | Catégorie = Informatique > {topic} | "
            "Temps de résolution = {few} jours | Description = &#60;p&#62;{body}&#60;/p&#62; | Type = {kind} | "
            "Solution - Solution = ?{solved} | Nombre de suivis = {few} | Enquête de satisfaction = ?{few}",
            delimiter=";",
            line_end=";",
        ),
        Right(
            "Titre", "Description", "ID", "Date d'ouverture",
            {"Priorité", "Attribué à - Technicien", "Attribué à - Groupe de techniciens", "Catégorie", "Type"},
            {"Statut", "Demandeur - Demandeur", "Temps de résolution", "Nombre de suivis", "Enquête de satisfaction"},
        ),
    ),
    "Spiceworks": (
        table(
            "Ticket # = {n} | Summary = {subject} | Description = {body} | Status = {state} | Priority = {urgency} | "
            "Category = {topic} | Assigned To = {agent} | Created By = {person} | "
            "Created On = {at:%b %d, %Y @ %I:%M %p} | Due On = {later:%b %d, %Y @ %I:%M %p} | "
            "Closed On = ?{later:%b %d, %Y @ %I:%M %p} | Time Spent = {few}h | Organization = Acme | "
            "First Response Secs = {n}1 | "
            "All Comments = {agent}: {solved} {person}: thank you, all is well again, {n} | "
        ""
            "Muted = fa | "
        ),
        Right(
            "Summary", "Description", "Ticket #", "Created On", {"Priority", "Category", "Assigned To"},
            {"Status", "Created By", "Time Spent", "First Response Secs", "All Comments"},
        ),
    ),
    "HubSpot": (
        table(
            "Ticket ID = 510000{n} | Ticket name = {subject} | Ticket description = {body} | Pipeline = {team} | "
            "Ticket status = {state} (Support Pipeline) | Category = {topic}[;Billing~~] | Priority = {urgency} | "
            "Source = [Email~Form~Chat] | Ticket owner = {agent} | Create date = {at:%Y-%m-%d %H:%M} | "
            "Close date = ?{later:%Y-%m-%d %H:%M} | Time to close (HH:mm:ss) = ?{few}:12:00 | "
            "Associated Contact = {person} | Time to first agent email reply (HH:mm:ss) = 0{few}:12:00 | "
            "Associated Contact IDs = 201{n} | Number of times contacted = {few} | "
            "Last Activity Date = {later:%Y-%m-%d %H:%M} | Response = ?{solved} | "
            "Customer satisfaction rating = ?[Happy~Unhappy]"
        ),
        Right(
            "Ticket name", "Ticket description", "Ticket ID", "Create date",
            {"Pipeline", "Category", "Priority", "Ticket owner"},
            {"Ticket status", "Time to close (HH:mm:ss)", "Associated Contact", "Number of times contacted", "Response",
             "Time to first agent email reply (HH:mm:ss)", "Customer satisfaction rating"},
        ),
    ),
    "Salesforce, cases of the data loader": (
        table(
            "ID = 5003h00000{n:05d}AAA | CASENUMBER = {n:08d} | SUBJECT = {subject} | DESCRIPTION = {body} | "
            "STATUS = {state} | ORIGIN = [Email~Phone~Web] | PRIORITY = {urgency} | TYPE = {kind} | "
            "REASON = [Installation~Performance~Breakdown] | OWNER.NAME = {agent} | "
            "OWNERID = 0053h00000{agent_number:05d}AAA | ISCLOSED = [false~true~true] | "
            "CLOSEDDATE = ?{later:%Y-%m-%dT%H:%M:%S.000Z} | CREATEDDATE = {at:%Y-%m-%dT%H:%M:%S.000Z} | "
            "CONTACTID = 0033h00000{n:05d}AAA | ACCOUNT.NAME = Globex {few} | SUPPLIEDEMAIL = {mail} | "
            "PRODUCT_AREA__C = {topic} | RESOLUTION_NOTES__C = ?{solved} | CSAT_SCORE__C = ?{few} | "
            "SUPPORT_TEAM__C = {team} | LASTMODIFIEDBYID = 0053h00000{agent_number:05d}AAA | ISESCALATED = [false~true]"
        ),
        Right(
            "SUBJECT", "DESCRIPTION", "CASENUMBER", "CREATEDDATE",
            {"PRIORITY", "TYPE", "REASON", "OWNER.NAME", "PRODUCT_AREA__C", "SUPPORT_TEAM__C"},
            {"STATUS", "ISCLOSED", "CSAT_SCORE__C", "RESOLUTION_NOTES__C", "LASTMODIFIEDBYID", "OWNERID",
             "SUPPLIEDEMAIL", "ISESCALATED"},
        ),
    ),
    "TOPdesk in Dutch": (
        table(
            "Meldingnummer = M2601 {n:03d} | Korte omschrijving = {subject} | Verzoek = {body} | Actie = ?{solved} | "
            "Soort melding = {kind} | Categorie = {topic} | Subcategorie = {subtopic} | "
            "Prioriteit = [Laag~Hoog~Normaal] | Behandelaarsgroep = {team} | Behandelaar = {agent} | "
            "Aangemaakt op = {at:%d-%m-%Y %H:%M} | Datum gereed = ?{later:%d-%m-%Y %H:%M} | "
            "Streefdatum = {later:%d-%m-%Y %H:%M} | Aanmelder = {person} | Vestiging = [Delft~Gouda] | "
            "Status = [Nieuw~Gesloten~Gesloten] | Doorlooptijd (uren) = {few} | Afgemeld = [Nee~Ja~Ja] | "
            "Binnen streefdatum = [Ja~Nee]",
            delimiter=";",
            encoding="cp1252",
        ),
        Right(
            "Korte omschrijving", "Verzoek", "Meldingnummer", "Aangemaakt op",
            {"Soort melding", "Categorie", "Subcategorie", "Prioriteit", "Behandelaarsgroep", "Behandelaar"},
            {"Actie", "Aanmelder", "Status", "Doorlooptijd (uren)", "Afgemeld", "Binnen streefdatum"},
        ),
    ),
    "Kayako": (
        table(
            "Ticket ID = 40{n} | Ticket Mask ID = ABC-{n:03d}-4000 | Department = {team} | Status = {state} | "
            "Priority = {urgency} | Type = {kind} | Email = {mail} | Full Name = {person} | Subject = {subject} | "
            "Contents = {body} | Owner = {agent} | Creation Date = {at:%d %B %Y %I:%M %p} | "
            "Last Activity = {later:%d %B %Y %I:%M %p} | Last Replier = {agent} | Replies = {few} | "
            "Time Worked = {few} | Is Resolved = [0~1~1] | First Contact Resolved = [0~1] | Tags = [vip eu~vip] | "
            "Escalation Count = [0~1] | Flag Type = 0"
        ),
        Right(
            "Subject", "Contents", "Ticket ID", "Creation Date", {"Department", "Priority", "Type", "Owner", "Tags"},
            {"Status", "Email", "Full Name", "Last Replier", "Replies", "Time Worked", "Is Resolved",
             "First Contact Resolved", "Escalation Count"},
        ),
    ),
    "osTicket with a field of its own": (
        table(
            "Ticket Number = 1000{n:03d} | Date Created = {at:%m/%d/%y %I:%M %p} | Subject = {subject} | "
            "From = {person} | From Email = {mail} | Priority = {urgency} | Department = {team} | "
            "Help Topic = {topic} | "
            "Source = [Email~Web] | Current Status = {state} | "
            "Last Updated = {later:%m/%d/%y %I:%M %p} | "
            "SLA Due Date = | Due Date = | Closed Date = ?{later:%m/%d/%y %I:%M %p} | "
            "Overdue = [Yes~No~No~No] | "
            "Merged = No | Linked = No | Answered = [No~Yes] | Agent Assigned = {agent} | "
            "Team Assigned = | "
            "Thread Count = {few} | Reopen Count = [0~1] | Attachment Count = [0~1~2] | "
            "Issue Details = {body}"
        ),
        Right(
            "Subject", "Issue Details", "Ticket Number", "Date Created",
            {"Priority", "Department", "Help Topic", "Agent Assigned"},
            {"From", "From Email", "Current Status", "Overdue", "Answered", "Thread Count", "Reopen Count",
             "Attachment Count"},
        ),
    ),
    "Redmine in English": (
        table(
            "# = {n} | Project = Support | Tracker = {kind} | Parent task = | Status = {state} | Priority = {urgency} |"
            "Subject = {subject} | Author = {person} | Assignee = {agent} | Updated = {later:%m/%d/%Y %I:%M %p} | "
            "Category = {team} | Target version = | Start date = {at:%m/%d/%Y} | Due date = | Estimated time = | "
            "Spent time = {few}.00 | % Done = {few}0 | Created = {at:%m/%d/%Y %I:%M %p} | "
            "Closed = ?{later:%m/%d/%Y %I:%M %p} | Related issues = | Files = | Last updated by = {agent} | "
            "Private = No | Description = {body}"
        ),
        Right(
            "Subject", "Description", "#", "Created", {"Tracker", "Priority", "Assignee", "Category"},
            {"Status", "Author", "Spent time", "% Done", "Last updated by"},
        ),
    ),
    "GitLab": (
        table(
            "Title = {subject} | Description = {body} | Issue ID = {n} | URL = https://git.example/-/issues/{n} | "
            "State = {state} | Author = {person} | Author Username = {last} | Assignee = {agent} | "
            f"Assignee Username = {{agent_last}} | Confidential = No | Locked = No | Created At (UTC) = {DAY} | "
            "Updated At (UTC) = {later:%Y-%m-%d %H:%M:%S} | Closed At (UTC) = ?{later:%Y-%m-%d %H:%M:%S} | "
            "Milestone = | Weight = {few} | Labels = {topic},team::{team} | Time Estimate = 0 | Time Spent = {few}0"
        ),
        Right(
            "Title", "Description", "Issue ID", "Created At (UTC)", {"Assignee", "Labels"},
            {"State", "Author", "Author Username", "Time Spent", "Assignee Username"},
        ),
    ),
    "YouTrack": (
        table(
            "Issue Id = SUP-{n} | Project = Support | Tags = [vip, eu~eu] | Summary = {subject} | Reporter = {person} |"
            "Created = {at:%d %b %Y %H:%M} | Updated = {later:%d %b %Y %H:%M} | Resolved = ?{later:%d %b %Y %H:%M} | "
            "Priority = {urgency} | Type = {kind} | State = [Open~Fixed~Fixed] | Assignee = {agent} | "
            "Subsystem = {team} | Fix versions = ?1.{few} | Affected versions = 1.{few} | Votes = {few} | "
            "Description = {body}"
        ),
        Right(
            "Summary", "Description", "Issue Id", "Created", {"Tags", "Priority", "Type", "Assignee", "Subsystem"},
            {"Reporter", "State", "Fix versions", "Votes"},
        ),
    ),
    "a Notes database, in German and one word a name": (
        table(
            "Form = Stoerung | StoerungsNr = ST-{n:05d} | Kurzbeschreibung = {subject} | Fehlerbeschreibung = {body} | "
            "Melder = {person} | MelderTelefon = 0711 55{n:04d} | ErfasstAm = {at:%d.%m.%Y %H:%M:%S} | "
            "ErfasstVon = [Zentrale~Portal] | Hauptkategorie = {topic} | Unterkategorie = {subtopic} | "
            "Bearbeitergruppe = {team} | Bearbeiter = {agent} | Prioritaet = [niedrig~hoch~mittel] | "
            "ErledigtAm = ?{later:%d.%m.%Y %H:%M:%S} | ErledigtVon = ?{agent} | Loesungstext = ?{solved} | "
            "AufwandMinuten = {few} | Stand = [in Arbeit~abgeschlossen~abgeschlossen] | $UpdatedBy = {agent} | "
            "$Revisions = {few}",
            delimiter=";",
            encoding="cp1252",
        ),
        Right(
            "Kurzbeschreibung", "Fehlerbeschreibung", "StoerungsNr", "ErfasstAm",
            {"Hauptkategorie", "Unterkategorie", "Bearbeitergruppe", "Bearbeiter", "Prioritaet"},
            {"Melder", "MelderTelefon", "ErledigtVon", "Loesungstext", "AufwandMinuten", "Stand", "$UpdatedBy",
             "$Revisions"},
        ),
    ),
    "Zoho Desk": (
        table(
            "Ticket Id = 7900{n:06d} | Ticket Reference Id = 1{n} | Subject = {subject} | "
            "Description = <div>{body}</div> | Status (Ticket) = {state} | Department = {team} | Layout = Acme | "
            "Contact Name (Ticket) = {person} | Email (Ticket) = {mail} | Ticket Owner = {agent} | "
            "Priority (Ticket) = {urgency} | Mode (Ticket) = [Email~Web] | Classifications (Ticket) = {kind} | "
            f"Category (Ticket) = {{topic}} | Sub Category (Ticket) = {{subtopic}} | Created Time (Ticket) = {DAY} | "
            "Modified Time (Ticket) = {later:%Y-%m-%d %H:%M:%S} | Ticket Closed Time = ?{later:%Y-%m-%d %H:%M:%S} | "
            "Is Overdue = [true~false~false] | Is Escalated = [true~false~false~false] | "
            "Happiness Rating = ?[Good~Okay~Bad] | Resolution = ?{solved} | Team Id = [4~1~2~3] | "
            "Resolution Time in Business Hours = ?0{few}:20 hrs | Number of Threads = {few} | Tags = [vip,eu~eu]"
        ),
        Right(
            "Subject", "Description", "Ticket Id", "Created Time (Ticket)",
            {"Department", "Ticket Owner", "Priority (Ticket)", "Classifications (Ticket)", "Category (Ticket)",
             "Sub Category (Ticket)", "Tags"},
            {"Status (Ticket)", "Contact Name (Ticket)", "Email (Ticket)", "Is Overdue", "Is Escalated",
             "Happiness Rating", "Resolution", "Number of Threads", "Resolution Time in Business Hours"},
        ),
    ),
    "ServiceDesk Plus, a report with a title": (
        table(
            "Request ID = {n} | Subject = {subject} | Description = {body} | Requester = {person} | "
            "Technician = {agent} | Group = {team} | Category = {topic} | Subcategory = {subtopic} | "
            "Item = {subsubtopic} | Priority = {urgency} | Mode = [E-Mail~Web Form] | Level = [Tier 1~Tier 2] | "
            "Request Type = {kind} | Site = [Bern~Zug] | Created Time = {at:%d/%m/%Y %I:%M %p} | "
            "DueBy Time = {later:%d/%m/%Y %I:%M %p} | Resolved Time = ?{later:%d/%m/%Y %I:%M %p} | "
            "Time Elapsed = 0{few}:10 | Overdue Status = [true~false~false] | "
            "First Response OverDue Status = [true~false~false~false] | Request Status = {state} | "
            "Resolution = ?{solved} | Request Closure Code = ?[Success~Failed] | Reopened = [true~false~false~false]",
            before="Requests of the last quarter\r\nGenerated on: 02/04/2026 08:00\r\n\r\n",
        ),
        Right(
            "Subject", "Description", "Request ID", "Created Time",
            {"Technician", "Group", "Category", "Subcategory", "Item", "Priority", "Request Type", "Level"},
            {"Requester", "Time Elapsed", "Overdue Status", "First Response OverDue Status", "Request Status",
             "Resolution", "Request Closure Code", "Reopened"},
        ),
    ),
    "BMC Helix": (
        table(
            "Incident ID*+ = INC{n:012d} | Summary* = {subject} | Notes = {body} | Assigned Group*+ = {team} | "
            "Assignee+ = {agent} | Priority* = {urgency} | Status* = {state} | "
            "Status Reason = ?Automated Resolution Reported | Service Type* = {kind} | "
            "Impact* = [3-Moderate/Limited~4-Minor/Localized] | Operational Categorization Tier 1 = {topic} | "
            "Operational Categorization Tier 2 = {subtopic} | Resolution = ?{solved} | "
            f"Resolution Categorization Tier 1 = ?{{topic}} | Submit Date = {DAY} | "
            "Last Resolved Date = ?{later:%Y-%m-%d %H:%M:%S} | Reported Source = [Email~Phone] | "
            "First Name+ = {first} | "
            "Last Name+ = {last} | Group Transfers = {few} | "
            "Effort Time Spent Minutes = {few}"
        ),
        Right(
            "Summary*", "Notes", "Incident ID*+", "Submit Date",
            {"Assigned Group*+", "Assignee+", "Priority*", "Service Type*", "Impact*",
             "Operational Categorization Tier 1", "Operational Categorization Tier 2"},
            {"Status*", "Status Reason", "Resolution", "Resolution Categorization Tier 1", "First Name+", "Last Name+",
             "Group Transfers", "Effort Time Spent Minutes"},
        ),
    ),
    "LiveAgent": (
        table(
            "Code = ABC-{n:05d}-XY | Subject = {subject} | Message = {body} | Status = {state} | Department = {team} | "
            f"Agent = {{agent}} | Owner name = {{person}} | Owner email = {{mail}} | Date created = {DAY} | "
            "Date resolved = ?{later:%Y-%m-%d %H:%M:%S} | Last activity = {later:%Y-%m-%d %H:%M:%S} | "
            "Tags = [vip, eu~eu] | Messages = {few}"
        ),
        Right(
            "Subject", "Message", "Code", "Date created", {"Department", "Agent", "Tags"},
            {"Status", "Owner name", "Owner email", "Messages"},
        ),
    ),
    "Front, a row a message": (
        message_rows(
            "Message ID|Conversation ID|Type|Direction|Status|Inbox|Message date|Author|Assignee|From name|To|Subject|"
            "Text|Tags|Response time|Handle time",
            f"msg_{{n}}a|cnv_{{n:04x}}|email|Inbound|archived|{{team}}|{DAY}||{{agent}}|{{person}}|"
            "support@acme.example|{subject}|{body}|{topic}||",
            "msg_{n}b|cnv_{n:04x}|email|Outbound|archived|{team}|{later:%Y-%m-%d %H:%M:%S}|{agent}|{agent}|{agent}|"
            "{person}|Re: {subject}|{solved} {n}|{topic}|{n}0|{few}",
        ),
        Right(
            "Subject", "Text", "Conversation ID", "Message date", {"Assignee", "Tags"},
            {"Author", "From name", "Direction", "Response time", "Handle time", "Status"},
        ),
    ),
    "Ivanti": (
        table(
            "IncidentNumber = 10{n:03d} | Subject = {subject} | Symptom = {body} | Service = {topic} | "
            "Category = {subtopic} | OwnerTeam = {team} | Owner = {agent_last} | Priority = [1~3~2] | "
            "Status = [Active~Closed~Closed] | ProfileFullName = {person} | "
            "CreatedDateTime = {at:%m/%d/%Y %I:%M:%S %p} | CreatedBy = {person} | "
            "ResolvedDateTime = ?{later:%m/%d/%Y %I:%M:%S %p} | CauseCode = ?[User Error~Defect] | "
            "Resolution = ?{solved} | FirstCallResolution = [True~False] | LastModBy = {agent} | TotalTimeSpent = {few}"
        ),
        Right(
            "Subject", "Symptom", "IncidentNumber", "CreatedDateTime",
            {"Service", "Category", "OwnerTeam", "Owner", "Priority"},
            {"Status", "ProfileFullName", "CauseCode", "Resolution", "FirstCallResolution", "LastModBy",
             "TotalTimeSpent", "CreatedBy"},
        ),
    ),
    "SysAid": (
        table(
            "# = {n} | Title = {subject} | Description = {body} | Category = {topic} | Sub-Category = {subtopic} | "
            "Third Level Category = {subsubtopic} | Status = {state} | Urgency = {urgency} | Assigned to = {agent} | "
            "Admin group = {team} | Request user = {person} | Submit user = {person} | "
            "Request time = {at:%d-%m-%Y %H:%M} | Close time = ?{later:%d-%m-%Y %H:%M} | "
            "Modify time = {later:%d-%m-%Y %H:%M} | Solution = ?{solved} | Survey status = [0~1~2] | "
            "Escalation = [0~1] | Reopen counter = [0~1]"
        ),
        Right(
            "Title", "Description", "#", "Request time",
            {"Category", "Sub-Category", "Third Level Category", "Urgency", "Assigned to", "Admin group"},
            {"Status", "Request user", "Submit user", "Solution", "Survey status", "Reopen counter", "Escalation"},
        ),
    ),
    "a desk in Polish": (
        table(
            "Numer zgłoszenia = ZGL/{n:04d} | Temat = {subject} | Treść = {body} | Kategoria = {topic} | "
            "Priorytet = [Niski~Wysoki~Średni] | Osoba odpowiedzialna = {agent} | Zespół = {team} | "
            "Zgłaszający = {person} | Data utworzenia = {at:%d.%m.%Y %H:%M} | "
            "Data zamknięcia = ?{later:%d.%m.%Y %H:%M} | Rozwiązanie = ?{solved} | Ocena klienta = ?{few} | "
            "Stan = [Nowe~Zamknięte~Zamknięte] | Czas realizacji = {few} | Liczba komentarzy = {few} | "
            "Przekroczono SLA = [nie~tak]",
            delimiter=";",
            encoding="cp1250",
        ),
        Right(
            "Temat", "Treść", "Numer zgłoszenia", "Data utworzenia",
            {"Kategoria", "Priorytet", "Osoba odpowiedzialna", "Zespół"},
            {"Zgłaszający", "Rozwiązanie", "Ocena klienta", "Stan", "Czas realizacji", "Liczba komentarzy",
             "Przekroczono SLA"},
        ),
    ),
    "a desk in Portuguese": (
        table(
            "Protocolo = 2026{n:06d} | Assunto = {subject} | Descrição = {body} | Categoria = {topic} | "
            "Urgência = [Baixa~Alta~Média] | Responsável = {agent} | Equipe = {team} | Solicitante = {person} | "
            "Aberto em = {at:%d/%m/%Y %H:%M} | Resolvido em = ?{later:%d/%m/%Y %H:%M} | Solução = ?{solved} | "
            "Situação = [Novo~Fechado~Fechado] | Avaliação do atendimento = ?{few} | Quantidade de ações = {few} | "
            "SLA de solução estourado = [Não~Sim] | Reaberto = [Sim~Não~Não] | Tempo de vida (horas úteis) = {few}",
            delimiter=";",
        ),
        Right(
            "Assunto", "Descrição", "Protocolo", "Aberto em", {"Categoria", "Urgência", "Responsável", "Equipe"},
            {"Solicitante", "Solução", "Situação", "Avaliação do atendimento", "Quantidade de ações", "Reaberto",
             "SLA de solução estourado", "Tempo de vida (horas úteis)"},
        ),
    ),
    "a desk in Spanish": (
        table(
            "Nº de caso = 30{n:02d} | Asunto = {subject} | Detalle = {body} | Tipo de solicitud = {kind} | "
            "Categoría = {topic} | Prioridad = [Baja~Alta~Media] | Grupo asignado = {team} | "
            "Agente asignado = {agent} | "
            "Solicitante = {person} | "
            "Fecha de creación = {at:%d/%m/%Y %H:%M} | "
            "Fecha de cierre = ?{later:%d/%m/%Y %H:%M} | "
            "Estado = [Abierto~Cerrado~Cerrado] | "
            "Tiempo de resolución = {few} | Encuesta de satisfacción = ?{few} | "
            "Última respuesta por = {agent} | "
            "Reabierto = [Sí~No~No] | Vencido = [Sí~No~No~No]",
            delimiter=";",
            encoding="cp1252",
        ),
        Right(
            "Asunto", "Detalle", "Nº de caso", "Fecha de creación",
            {"Tipo de solicitud", "Categoría", "Prioridad", "Grupo asignado", "Agente asignado"},
            {"Solicitante", "Estado", "Tiempo de resolución", "Encuesta de satisfacción", "Última respuesta por",
             "Reabierto", "Vencido"},
        ),
    ),
    "a desk in Italian": (
        table(
            "Numero segnalazione = S{n:05d} | Oggetto = {subject} | Messaggio = {body} | Reparto = {team} | "
            "Tipologia richiesta = {kind} | Priorità = [Bassa~Alta~Media] | Assegnato a = {agent} | "
            "Richiedente = {person} | Data apertura = {at:%d/%m/%Y %H:%M} | "
            "Data chiusura = ?{later:%d/%m/%Y %H:%M} | Soluzione = ?{solved} | Stato = [Aperto~Chiuso~Chiuso] | "
            "Tempo impiegato = {few} | Riaperto = [sì~no~no] | Ultimo aggiornamento da = {agent} | "
            "Voto del cliente = ?{few}",
            delimiter=";",
        ),
        Right(
            "Oggetto", "Messaggio", "Numero segnalazione", "Data apertura",
            {"Reparto", "Tipologia richiesta", "Priorità", "Assegnato a"},
            {"Richiedente", "Soluzione", "Stato", "Tempo impiegato", "Riaperto", "Ultimo aggiornamento da",
             "Voto del cliente"},
        ),
    ),
    "Azure DevOps": (
        table(
            "ID = {n} | Work Item Type = {kind} | Title = {subject} | "
            "Assigned To = {agent} <{agent_first}@acme.example> | State = [New~Closed~Closed] | "
            "Reason = [New~Completed~Completed] | Area Path = Acme\\{team} | Iteration Path = Acme\\Sprint {few} | "
            "Tags = {topic}[; vip~] | Description = <div>{body}</div> | Created Date = {at:%m/%d/%Y %I:%M:%S %p} | "
            "Closed Date = ?{later:%m/%d/%Y %I:%M:%S %p} | Severity = [2 - High~4 - Low~3 - Medium] | "
            "Comment Count = {few} | Created By = {person} <{mail}> | Changed By = {agent} | Completed Work = {few}"
        ),
        Right(
            "Title", "Description", "ID", "Created Date",
            {"Work Item Type", "Assigned To", "Area Path", "Tags", "Severity"},
            {"State", "Reason", "Comment Count", "Created By", "Changed By", "Completed Work"},
        ),
    ),
    "Linear": (
        table(
            "ID = SUP-{n} | Team = {team} | Title = {subject} | Description = {body} | Status = [Todo~Done~Done] | "
            "Estimate = {few} | Priority = [No priority~Low~High~Urgent] | Creator = {person} | Assignee = {agent} | "
            "Labels = {topic}[, Bug~] | Cycle Number = {few} | Created = {at:%Y-%m-%dT%H:%M:%S.000Z} | "
            "Updated = {later:%Y-%m-%dT%H:%M:%S.000Z} | Started = ?{later:%Y-%m-%dT%H:%M:%S.000Z} | "
            "Completed = ?{later:%Y-%m-%dT%H:%M:%S.000Z} | Parent issue = | SLA Status = [Completed~Failed]"
        ),
        Right(
            "Title", "Description", "ID", "Created", {"Team", "Priority", "Assignee", "Labels"},
            {"Status", "Creator", "SLA Status"},
        ),
    ),
}  # fmt: skip
