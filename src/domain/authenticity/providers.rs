//! How mail services really write Authentication-Results, each with what a forger makes of it.
//!
//! The fields have the shapes that these services are seen to write in public archives, with
//! addresses of documentation in them. Each mail is judged as it is, and in the variants that
//! whoever forges CBP's mail to a customer of that service would send.

use chrono::DateTime;

use super::{Authenticity, Trust, Verdict};
use crate::domain::message::{FolderRole, Message};

/// A service, what its customer writes into the configuration, and the header it puts on top.
struct Service {
    name: &'static str,
    ids: &'static [&'static str],
    head: &'static str,
    /// What the judgement of a genuine mail rests on.
    because: &'static str,
}

const SERVICES: &[Service] = &[
    Service {
        name: "Gmail",
        ids: &["mx.google.com"],
        head: "\
Delivered-To: ops@broker.example
Received: by 2002:a05:6a10:8c4c:b0:5a1:2b3c:4d5e with SMTP id ab12csp345678pxb;
        Mon, 4 May 2026 06:25:30 -0700 (PDT)
X-Received: by 2002:a17:90b:3a8d:b0:2e2:c15f:1ffe with SMTP id 98e67ed59e1d1-2e2f0b5a1d9mr1;
        Mon, 04 May 2026 06:25:29 -0700 (PDT)
ARC-Seal: i=1; a=rsa-sha256; t=1777901129; cv=none; d=google.com; s=arc-20240605; b=aaaa
ARC-Authentication-Results: i=1; mx.google.com;
       dkim=pass header.i=@cbp.dhs.gov header.s=selector1 header.b=AbCdEfGh;
       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=cbp.dhs.gov
Return-Path: <ACE.Applications@cbp.dhs.gov>
Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov. [198.51.100.24])
        by mx.google.com with ESMTPS id d2e1a72fcca58-7f6a9si12345b3a.140.2026.05.04.06.25.28
        for <ops@broker.example>
        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);
        Mon, 04 May 2026 06:25:29 -0700 (PDT)
Received-SPF: pass (google.com: domain of ace.applications@cbp.dhs.gov designates 198.51.100.24 as permitted sender) client-ip=198.51.100.24;
Authentication-Results: mx.google.com;
       dkim=pass header.i=@cbp.dhs.gov header.s=selector1 header.b=AbCdEfGh;
       dkim=pass header.i=@relay.example header.s=s1 header.b=IjKlMnOp;
       spf=pass (google.com: domain of ace.applications@cbp.dhs.gov designates 198.51.100.24 as permitted sender) smtp.mailfrom=ACE.Applications@cbp.dhs.gov;
       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=cbp.dhs.gov
",
        because: "mx.google.com says dmarc=pass for cbp.dhs.gov",
    },
    Service {
        name: "Microsoft 365",
        ids: &["-"],
        head: "\
Received: from SJ0PR01MB0001.prod.exchangelabs.com (2603:10b6:a03:200::1) by
 BN0PR01MB0002.prod.exchangelabs.com with HTTPS; Mon, 4 May 2026 13:25:31 +0000
ARC-Authentication-Results: i=1; mx.microsoft.com 1; spf=pass (sender ip is
 198.51.100.24) smtp.rcpttodomain=broker.example smtp.mailfrom=cbp.dhs.gov;
 dmarc=pass (p=reject sp=reject pct=100) action=none header.from=cbp.dhs.gov;
 dkim=pass (signature was verified) header.d=cbp.dhs.gov; arc=none (0)
Received: from BN9PR03CA0001.namprd03.prod.outlook.com (2603:10b6:408:f9::6) by
 SJ0PR01MB0001.namprd01.prod.outlook.com (2603:10b6:a03:300::2) with Microsoft SMTP
 Server (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1;
 Mon, 4 May 2026 13:25:29 +0000
Authentication-Results: spf=pass (sender IP is 198.51.100.24)
 smtp.mailfrom=cbp.dhs.gov; dkim=pass (signature was verified)
 header.d=cbp.dhs.gov;dmarc=pass action=none
 header.from=cbp.dhs.gov;compauth=pass reason=100
Received-SPF: Pass (protection.outlook.com: domain of cbp.dhs.gov designates
 198.51.100.24 as permitted sender) receiver=protection.outlook.com;
 client-ip=198.51.100.24; helo=mail.cbp.dhs.gov; pr=C
Received: from mail.cbp.dhs.gov (198.51.100.24) by
 BN1NAM02FT001.mail.protection.outlook.com (10.13.2.1) with Microsoft SMTP Server
 (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1 via
 Frontend Transport; Mon, 4 May 2026 13:25:28 +0000
",
        because: "the mail server says dmarc=pass for cbp.dhs.gov",
    },
    Service {
        name: "Fastmail",
        ids: &["*.messagingengine.com"],
        head: "\
Received: from phl-compute-01.internal (phl-compute-01.phl.internal [10.202.2.41])
\t by sloti1d1t01 (Cyrus 3.13.0-alpha0) with LMTPA;
\t Mon, 04 May 2026 09:25:30 -0400
X-Cyrus-Session-Id: sloti1d1t01-1777901130-1-2-1
Received: from phl-mx-02.messagingengine.com ([10.202.2.201])
  by phl-compute-01.internal (LMTPProxy); Mon, 04 May 2026 09:25:30 -0400
Authentication-Results: phl-mx-02.messagingengine.com;
    arc=none (no signatures found);
    bimi=skipped (DMARC Policy is not at enforcement);
    dkim=pass (2048-bit rsa key sha256) header.d=cbp.dhs.gov
    header.i=@cbp.dhs.gov header.b=AbCdEfGh header.a=rsa-sha256
    header.s=selector1 x-bits=2048;
    dmarc=pass policy.published-domain-policy=reject
    policy.applied-disposition=none policy.evaluated-disposition=none
    (p=reject,d=none,d.eval=none) policy.policy-from=p
    header.from=cbp.dhs.gov;
    iprev=pass smtp.remote-ip=198.51.100.24 (mail.cbp.dhs.gov);
    spf=pass smtp.mailfrom=ACE.Applications@cbp.dhs.gov
    smtp.helo=mail.cbp.dhs.gov
X-ME-Authentication-Results: phl-mx-02.messagingengine.com;
    x-aligned-from=pass (Address match);
    x-ptr=pass smtp.helo=mail.cbp.dhs.gov policy.ptr=mail.cbp.dhs.gov
Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24])
    (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
     key-exchange X25519 server-signature RSA-PSS (2048 bits))
    (No client certificate requested)
    by mailmx.phl.internal (Postfix) with ESMTPS id 4F1A2B3C4D
    for <ops@broker.example>; Mon, 04 May 2026 09:25:29 -0400 (EDT)
",
        because: "phl-mx-02.messagingengine.com says dmarc=pass for cbp.dhs.gov",
    },
    Service {
        name: "Yahoo",
        ids: &["*.yahoo.com"],
        head: "\
Received: from 127.0.0.1
 by atlas-production.v2-mail-prod1-gq1.omega.yahoo.com pod-id atlas--production-gq1-1.gq1.yahoo.com with HTTP; Mon, 4 May 2026 13:25:30 +0000
Return-Path: <ACE.Applications@cbp.dhs.gov>
X-Originating-Ip: [198.51.100.24]
Received-SPF: pass (domain of cbp.dhs.gov designates 198.51.100.24 as permitted sender)
Authentication-Results: atlas-production.v2-mail-prod1-gq1.omega.yahoo.com;
 dkim=pass header.i=@cbp.dhs.gov header.s=selector1;
 spf=pass smtp.mailfrom=cbp.dhs.gov;
 dmarc=pass(p=REJECT,sp=REJECT) header.from=cbp.dhs.gov;
X-Apparently-To: ops@broker.example; Mon, 4 May 2026 13:25:30 +0000
Received: from 198.51.100.24 (EHLO mail.cbp.dhs.gov)
 by 10.196.1.1 with SMTPs
 (version=TLS1_3 cipher=TLS_AES_128_GCM_SHA256);
 Mon, 04 May 2026 13:25:30 +0000
",
        because: "atlas-production.v2-mail-prod1-gq1.omega.yahoo.com says dmarc=pass for cbp.dhs.gov",
    },
    Service {
        name: "iCloud",
        ids: &["dmarc.icloud.com", "me.com"],
        head: "\
Received: from p00-icloudmta-smtpin-us-central-1k-60-percent-4 by p00-mailgateway-smtp-1 (Postfix) with LMTP; Mon, 4 May 2026 13:25:31 GMT
X-Apple-MoveToFolder: INBOX
Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24])
\tby st43p00im-qukt05021701.me.com (Postfix) with ESMTPS id EC1AC39C0207
\tfor <ops@broker.example>; Mon, 4 May 2026 13:25:29 +0000 (UTC)
X-ICL-SCORE: 3.333033230041
Authentication-Results: bimi.icloud.com; bimi=skipped reason=\"insufficient dmarc\"
X-ARC-Info: policy=fail; arc=none
Authentication-Results: arc.icloud.com; arc=none
Authentication-Results: dmarc.icloud.com; dmarc=pass header.from=cbp.dhs.gov
X-DMARC-Info: pass=pass; dmarc-policy=reject; s=r1; d=r1; pdomain=dhs.gov
Authentication-Results: dkim-verifier.icloud.com;
\tdkim=pass (2048-bit key) header.d=cbp.dhs.gov header.i=@cbp.dhs.gov header.b=AbCdEfGh
Authentication-Results: spf.icloud.com; spf=pass (spf.icloud.com: domain of x@cbp.dhs.gov designates 198.51.100.24 as permitted sender) smtp.mailfrom=x@cbp.dhs.gov
",
        because: "dmarc.icloud.com says dmarc=pass for cbp.dhs.gov",
    },
    Service {
        name: "Postfix with OpenDKIM and OpenDMARC",
        ids: &["mx.broker.example"],
        head: "\
Return-Path: <ACE.Applications@cbp.dhs.gov>
X-Original-To: ops@broker.example
DMARC-Filter: OpenDMARC Filter v1.4.2 mx.broker.example 4F1A2B3C4D
Authentication-Results: mx.broker.example; dmarc=pass (p=reject dis=none) header.from=cbp.dhs.gov
Authentication-Results: mx.broker.example; spf=pass smtp.mailfrom=cbp.dhs.gov
DKIM-Filter: OpenDKIM Filter v2.11.0 mx.broker.example 4F1A2B3C4D
Authentication-Results: mx.broker.example;
\tdkim=pass (2048-bit key; unprotected) header.d=cbp.dhs.gov header.i=@cbp.dhs.gov header.a=rsa-sha256 header.s=selector1 header.b=AbCdEfGh;
\tdkim-atps=neutral
Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24])
\tby mx.broker.example (Postfix) with ESMTPS id 4F1A2B3C4D
\tfor <ops@broker.example>; Mon,  4 May 2026 09:25:29 -0400 (EDT)
",
        because: "mx.broker.example says dmarc=pass for cbp.dhs.gov",
    },
    Service {
        name: "Postfix with rspamd",
        ids: &["mx.broker.example"],
        head: "\
Received: from mx.broker.example ([10.0.0.5])
\tby mailstore.broker.example with LMTP id aBcDeF; Mon, 04 May 2026 09:25:30 -0400
Authentication-Results: mx.broker.example;
\tdkim=pass header.d=cbp.dhs.gov header.s=selector1 header.b=AbCdEfGh;
\tarc=none;
\tspf=pass (mx.broker.example: domain of ACE.Applications@cbp.dhs.gov designates 198.51.100.24 as permitted sender) smtp.mailfrom=ACE.Applications@cbp.dhs.gov;
\tdmarc=pass (policy=reject) header.from=cbp.dhs.gov
X-Rspamd-Queue-Id: 4F1A2B3C4D
X-Rspamd-Server: mx.broker.example
Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24])
\tby mx.broker.example (Postfix) with ESMTPS id 4F1A2B3C4D; Mon, 04 May 2026 09:25:29 -0400
",
        because: "mx.broker.example says dmarc=pass for cbp.dhs.gov",
    },
    Service {
        name: "amavis",
        ids: &["mx.broker.example"],
        head: "\
Received: from localhost (localhost [127.0.0.1])
\tby mx.broker.example (Postfix) with ESMTP id 5A6B7C8D9E; Mon,  4 May 2026 09:25:30 -0400
X-Virus-Scanned: amavisd-new at broker.example
Authentication-Results: mx.broker.example (amavisd-new (2.13.0));
\tdkim=pass (2048-bit key) reason=\"pass (just generated; assumed good)\"
\theader.d=cbp.dhs.gov; dkim=pass (2048-bit key) header.d=relay.example
Received: from mx.broker.example ([127.0.0.1])
\tby localhost (mx.broker.example [127.0.0.1]) (amavisd-new, port 10024)
\twith ESMTP id aBcDeF; Mon,  4 May 2026 09:25:29 -0400
Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24])
\tby mx.broker.example (Postfix) with ESMTPS id 4F1A2B3C4D; Mon,  4 May 2026 09:25:29 -0400
",
        because: "mx.broker.example says dkim=pass for cbp.dhs.gov and nothing of DMARC",
    },
    Service {
        name: "Exim",
        ids: &["mx.broker.example"],
        head: "\
Envelope-to: ops@broker.example
Authentication-Results: mx.broker.example 1;
\tiprev=pass (mail.cbp.dhs.gov) smtp.remote-ip=198.51.100.24;
\tspf=pass smtp.mailfrom=cbp.dhs.gov;
\tdkim=pass header.d=cbp.dhs.gov header.s=selector1 header.a=rsa-sha256;
\tdmarc=pass header.from=cbp.dhs.gov;
\tarc=none;
Received: from mail.cbp.dhs.gov ([198.51.100.24])
\tby mx.broker.example with esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384
\t(Exim 4.98)
\t(envelope-from <ACE.Applications@cbp.dhs.gov>)
\tid 1uAbCd-00000001234-0abc
\tfor ops@broker.example; Mon, 04 May 2026 09:25:29 -0400
",
        because: "mx.broker.example says dmarc=pass for cbp.dhs.gov",
    },
    Service {
        name: "Proton",
        ids: &["mail.protonmail.ch"],
        head: "\
X-Original-To: ops@broker.example
Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24]) (using TLSv1.3 with
 cipher TLS_AES_256_GCM_SHA384 (256/256 bits)  key-exchange X25519 server-signature
 RSA-PSS (2048 bits) server-digest SHA256) by mailin.protonmail.ch (Postfix) with
 ESMTPS id 4F1A2B3C4D for <ops@broker.example>; Mon, 04 May 2026 13:25:29 +0000 (UTC)
Authentication-Results: mail.protonmail.ch; dmarc=pass (p=reject dis=none)
 header.from=cbp.dhs.gov
Authentication-Results: mail.protonmail.ch; spf=pass smtp.mailfrom=cbp.dhs.gov
Authentication-Results: mail.protonmail.ch; arc=none smtp.remote-ip=198.51.100.24
Authentication-Results: mail.protonmail.ch; dkim=pass (2048-bit key)
 header.d=cbp.dhs.gov header.i=@cbp.dhs.gov header.b=\"AbCdEfGh\"
",
        because: "mail.protonmail.ch says dmarc=pass for cbp.dhs.gov",
    },
    Service {
        name: "Proton, DKIM first",
        ids: &["*.protonmail.ch"],
        head: "\
Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24]) by
 mailin010.protonmail.ch (Postfix) with ESMTPS id 4F1A2B3C4D; Mon, 04 May 2026 13:25:29 +0000
Authentication-Results: mailin010.protonmail.ch; dkim=pass (2048-bit key)
 header.d=cbp.dhs.gov header.i=@cbp.dhs.gov header.b=\"AbCdEfGh\"
Authentication-Results: mailin010.protonmail.ch; dmarc=pass (p=reject dis=none)
 header.from=cbp.dhs.gov
Authentication-Results: mailin010.protonmail.ch; spf=pass smtp.mailfrom=cbp.dhs.gov
",
        because: "mailin010.protonmail.ch says dkim=pass for cbp.dhs.gov and nothing of DMARC",
    },
    Service {
        name: "Zoho",
        ids: &["mx.zohomail.com"],
        head: "\
Delivered-To: ops@broker.example
Received-SPF: pass (zohomail.com: domain of cbp.dhs.gov designates 198.51.100.24 as permitted sender) client-ip=198.51.100.24; envelope-from=ACE.Applications@cbp.dhs.gov; helo=mail.cbp.dhs.gov;
Authentication-Results: mx.zohomail.com;
\tdkim=pass;
\tspf=pass (zohomail.com: domain of cbp.dhs.gov designates 198.51.100.24 as permitted sender)  smtp.mailfrom=ACE.Applications@cbp.dhs.gov;
\tdmarc=pass(p=reject dis=none)  header.from=cbp.dhs.gov
ARC-Seal: i=1; a=rsa-sha256; t=1777901129; cv=none; \n\td=zohomail.com; s=zohoarc; \n\tb=aaaa
ARC-Authentication-Results: i=1; mx.zohomail.com;
\tdkim=pass;
\tdmarc=pass header.from=<ACE.Applications@cbp.dhs.gov>
Return-Path: <ACE.Applications@cbp.dhs.gov>
Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24]) by mx.zohomail.com
\twith SMTPS id 1777901129123.1; Mon, 4 May 2026 06:25:29 -0700 (PDT)
",
        because: "mx.zohomail.com says dmarc=pass for cbp.dhs.gov",
    },
];

const FROM: &str = "From: ACE Applications <ACE.Applications@cbp.dhs.gov>\n";
const REST: &str = "To: ops@broker.example\nSubject: Acme Imports LLC 12-345678900\n\napproved\n";

/// What a forger puts below: hops of his own, the service's field copied, CBP's signature claimed.
const FORGED_HOP: &str = "Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24])\n by relay.evil.example with ESMTPS id 1; Mon, 4 May 2026 13:25:20 +0000\n";

fn judged(service: &Service, mail: &str) -> (Verdict, String) {
    let ids = service.ids.iter().map(|id| (*id).to_owned()).collect();
    let trust = Trust::of_cbp(ids, vec!["ops@broker.example".to_owned()]);
    let message = Message::parse(mail.as_bytes(), FolderRole::Inbox, DateTime::UNIX_EPOCH);
    let read = Authenticity::of(&message, &trust);
    (read.verdict, read.because)
}

/// The head's fields, each with its continuation lines.
fn fields(head: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in head.lines() {
        match fields.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
            Some(last) => last.push_str(&format!("{line}\n")),
            None => fields.push(format!("{line}\n")),
        }
    }
    fields
}

fn results_of(head: &str) -> (String, String) {
    let is_results = |field: &String| field.starts_with("Authentication-Results:");
    let (results, rest): (Vec<_>, Vec<_>) = fields(head).into_iter().partition(is_results);
    (results.concat(), rest.concat())
}

#[track_caller]
fn check(service: &Service, what: &str, mail: &str, verdict: Verdict, because: &str) {
    let judged = judged(service, mail);
    let shown = format!("{}, {what}:\n{mail}", service.name);
    assert_eq!((judged.0, judged.1.as_str()), (verdict, because), "{shown}");
}

#[test]
fn a_genuine_mail_is_authentic_at_every_service() {
    for service in SERVICES {
        let mail = format!("{}{FROM}{REST}", service.head);
        check(service, "as it is", &mail, Verdict::Authentic, service.because);
        let upper = service.head.replace("dmarc=pass", "DMARC=Pass").replace("dkim=p", "DKIM=P");
        check(
            service,
            "upper case",
            &format!("{upper}{FROM}{REST}"),
            Verdict::Authentic,
            service.because,
        );
        let crlf = mail.replace('\n', "\r\n");
        check(service, "CRLF", &crlf, Verdict::Authentic, service.because);
    }
}

#[test]
fn what_the_service_failed_is_forged_whatever_the_forger_adds() {
    for service in SERVICES {
        let says_dmarc = service.head.contains("\tdmarc=pass")
            || service.head.contains(" dmarc=pass")
            || service.head.contains(";dmarc=pass");
        let failed = service.head.replace("dmarc=pass", "dmarc=fail").replace("dkim=p", "dkim=f");
        let (results, _) = results_of(service.head);
        let mail = format!("{failed}{FORGED_HOP}{results}{FROM}{REST}");
        let server = service.because.split(" says ").next().unwrap();
        match says_dmarc {
            true => check(
                service,
                "failed",
                &mail,
                Verdict::Forged,
                &format!("{server} says dmarc=fail"),
            ),
            false => check(
                service,
                "failed",
                &mail,
                Verdict::Unverified,
                &format!("{server} says neither dmarc=pass nor dkim=pass for cbp.dhs.gov"),
            ),
        }
    }
}

#[test]
fn a_copied_field_below_the_boundary_proves_nothing() {
    for service in SERVICES {
        let (results, rest) = results_of(service.head);
        for below in [
            format!("{FORGED_HOP}{results}"),
            format!("{FORGED_HOP}ARC-Seal: i=1; d=google.com; cv=none; b=a\n{results}"),
            format!(
                "Received: by localhost; Mon, 4 May 2026 13:25:20 +0000\n{FORGED_HOP}{results}"
            ),
        ] {
            let mail = format!("{rest}{below}{FROM}{REST}");
            let because =
                "no Authentication-Results of our own mail server above the first foreign hop";
            check(service, "copied below", &mail, Verdict::Unverified, because);
        }
    }
}

#[test]
fn a_look_alike_s_own_pass_is_forged_at_every_service() {
    for service in SERVICES {
        let head = service.head.replace("cbp.dhs.gov", "cbp-dhs.example");
        let from = FROM.replace("cbp.dhs.gov", "cbp-dhs.example");
        let mail = format!("{head}{from}{REST}");
        check(
            service,
            "look-alike",
            &mail,
            Verdict::Forged,
            "the From domain cbp-dhs.example has CBP's name in it",
        );
    }
}

#[test]
fn a_pass_for_another_domain_does_not_vouch_at_any_service() {
    for service in SERVICES {
        let mail = format!("{}{FROM}{REST}", service.head.replace("cbp.dhs.gov", "evil.example"));
        assert_eq!(judged(service, &mail).0, Verdict::Unverified, "{mail}");
    }
}
