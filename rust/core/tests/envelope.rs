//! What lines say, and what becomes of lines that say nothing.

use codex_core::wire::envelope::{
    Answer, Defect, DefectKind, Ids, Message, Notification, Reader, find_notification,
    id_in_answer, member,
};
use codex_core::wire::protocol::IdPath;

fn read(line: &[u8]) -> Result<Message<'_>, Defect> {
    Reader::default().read(line)
}

fn notification(line: &[u8]) -> Notification<'_> {
    match read(line) {
        Ok(Message::Notification(notification)) => notification,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_delta_gives_its_ids_and_its_params() {
    let line = br#"{"method":"item/agentMessage/delta","params":{"threadId":"t","turnId":"u","itemId":"i","delta":"a\"b"},"emittedAtMs":5}"#;
    let event = notification(line);
    assert_eq!(event.spec, find_notification("item/agentMessage/delta"));
    assert_eq!(event.ids.thread.as_deref(), Some("t"));
    assert_eq!(event.ids.turn.as_deref(), Some("u"));
    assert_eq!(
        event.params,
        br#"{"threadId":"t","turnId":"u","itemId":"i","delta":"a\"b"}"#
    );
}

#[test]
fn ids_are_found_in_nested_objects_and_in_any_order() {
    let line = br#"{"params":{"turn":{"items":[{"id":"no"}],"id":"u\u0031"},"threadId":"t"},"method":"turn/completed"}"#;
    let event = notification(line);
    assert_eq!(event.ids.turn.as_deref(), Some("u1"));
    assert_eq!(event.ids.thread.as_deref(), Some("t"));
    let started = notification(br#"{"method":"thread/started","params":{"thread":{"id":"t"}}}"#);
    assert_eq!(started.ids.thread.as_deref(), Some("t"));
}

#[test]
fn an_unknown_method_is_routed_by_the_usual_names() {
    let line = br#"{"method":"item/hologram/delta","params":{"threadId":"t","turnId":"u"}}"#;
    let event = notification(line);
    assert_eq!((event.spec, event.ids.turn.as_deref()), (None, Some("u")));
    let bare = notification(br#"{"method":"future/thing"}"#);
    assert_eq!((bare.params, bare.ids), (&b"{}"[..], Ids::default()));
    let odd = notification(br#"{"method":"future/thing","params":{"turnId":7}}"#);
    assert_eq!(odd.ids, Ids::default());
}

#[test]
fn an_unknown_method_may_have_its_ids_in_objects() {
    let ids = |line| {
        let Ids { thread, turn, .. } = notification(line).ids;
        (thread.map(String::from), turn.map(String::from))
    };
    let both = (Some("t".into()), Some("u".into()));
    let nested =
        br#"{"method":"turn/paused","params":{"thread":{"id":"t"},"turn":{"items":[],"id":"u"}}}"#;
    assert_eq!(ids(nested), both);
    let own = br#"{"method":"x","params":{"turnId":"u","turn":{"id":"other"},"thread":{"id":"other"},"threadId":"t"}}"#;
    assert_eq!(ids(own), both);
    let null = br#"{"method":"x","params":{"threadId":"t","turn":{"id":"u"},"turnId":null}}"#;
    assert_eq!(ids(null), both);
}

#[test]
fn what_is_no_turns_names_its_stream() {
    let subject = |line| notification(line).ids.subject;
    let output = br#"{"method":"command/exec/outputDelta","params":{"stream":"stdout","processId":"p\u0031"}}"#;
    assert_eq!(subject(output), Some(("processId", "p1".into())));
    let unknown = br#"{"method":"future/thing","params":{"importId":null,"watchId":"w"}}"#;
    assert_eq!(subject(unknown), Some(("watchId", "w".into())));
    let login = br#"{"method":"account/login/completed","params":{"loginId":null}}"#;
    assert_eq!(subject(login), None);
    // Of a known method, only what the schema says.
    let changed = br#"{"method":"fs/changed","params":{"loginId":"l","watchId":"w"}}"#;
    assert_eq!(subject(changed), Some(("watchId", "w".into())));
    let interaction = br#"{"method":"item/commandExecution/terminalInteraction","params":{"turnId":"u","processId":"p"}}"#;
    assert_eq!(subject(interaction), None);
}

#[test]
fn a_method_makes_a_request_even_with_id_zero() {
    let line = br#"{"id":0,"method":"item/tool/call","params":{"x":1}}"#;
    assert!(matches!(
        read(line),
        Ok(Message::ServerRequest {
            id: b"0",
            params: br#"{"x":1}"#,
            ..
        })
    ));
}

#[test]
fn answers_are_told_from_errors() {
    assert_eq!(
        read(br#"{"id":7,"result":{"a":[1,2]}}"#),
        Ok(Message::Response {
            id: Some(7),
            answer: Answer::Result(br#"{"a":[1,2]}"#)
        })
    );
    assert_eq!(
        read(br#"{"error":{"code":-32001,"message":"busy \u00e9","data":{"k":1}},"id":8}"#),
        Ok(Message::Response {
            id: Some(8),
            answer: Answer::Error {
                code: -32001,
                message: "busy \u{e9}".into(),
                data: Some(br#"{"k":1}"#)
            }
        })
    );
    assert!(matches!(
        read(br#"{"id":"text","result":1}"#),
        Ok(Message::Response { id: None, .. })
    ));
}

#[test]
fn what_is_no_message_is_told_from_what_is_no_json() {
    for shape in [
        &b"[]"[..],
        b"3",
        b"{}",
        br#"{"id":1}"#,
        br#"{"method":5}"#,
        br#"{"id":1,"error":2}"#,
    ] {
        let defect = read(shape).unwrap_err();
        assert_eq!(
            defect.kind,
            DefectKind::UnknownShape,
            "{}",
            shape.escape_ascii()
        );
    }
    for broken in [
        &b"hello"[..],
        b"{",
        br#"{"id":1,"result":}"#,
        br#"{"method":"a"} x"#,
        b"\xff\xfe",
    ] {
        assert!(
            matches!(read(broken).unwrap_err().kind, DefectKind::Malformed(_)),
            "{}",
            broken.escape_ascii()
        );
    }
}

#[test]
fn an_answer_that_cannot_be_read_still_has_its_id() {
    let deep = [&br#"{"id":7,"result":"#[..], &[b'['; 500]].concat();
    for line in [
        &br#"{"id":7}"#[..],
        br#"{"id":7,"error":"busy"}"#,
        br#"{"id":7,"result":}"#,
        &deep[..],
    ] {
        let defect = read(line).unwrap_err();
        assert_eq!(defect.id, Some(7), "{}", line.escape_ascii());
        assert!(matches!(
            defect.answer(),
            Some(Answer::Error { code: -32700, .. })
        ));
    }
    assert_eq!(read(b"[]").unwrap_err().answer(), None);
}

#[test]
fn every_prefix_and_every_flipped_byte_of_a_line_is_survived() {
    let line = br#"{"method":"turn/completed","params":{"threadId":"t","turn":{"id":"u","items":[],"n":-1.5e3,"s":"\ud83d\ude00"}}}"#;
    for end in 0..line.len() {
        assert!(read(&line[..end]).is_err());
    }
    for index in 0..line.len() {
        for byte in [0_u8, b'"', b'{', b'}', b'\\', b',', 0x80, 0xff] {
            let mut mutated = line.to_vec();
            mutated[index] = byte;
            let _ = read(&mutated);
        }
    }
}

#[test]
fn the_id_of_an_answer_is_found() {
    let answer = br#"{"turn":{"status":"x","id":"u"}}"#;
    let turn = IdPath::Nested("turn", "id");
    assert_eq!(id_in_answer(answer, turn).as_deref(), Some("u"));
    assert_eq!(id_in_answer(br#"{"turn":null}"#, turn), None);
    assert_eq!(id_in_answer(b"nonsense", turn), None);
    let login = IdPath::Param("loginId");
    let answer = br#"{"type":"chatgpt","loginId":"a"}"#;
    assert_eq!(id_in_answer(answer, login).as_deref(), Some("a"));
    assert_eq!(id_in_answer(br#"{"type":"apiKey"}"#, login), None);
}

#[test]
fn bytes_that_are_not_utf_8_make_a_line_malformed() {
    for line in [
        &b"{\"method\":\"turn/completed\",\"params\":{\"threadId\":\"t\",\"x\":[\"\xff\"]}}"[..],
        b"{\"method\":\"x\",\"params\":{\"\xc3\":1}}",
        b"{\"method\":\"x\",\"params\":{\"a\":\"\\n\xed\xa0\x80\"}}",
        b"{\"id\":0,\"method\":\"item/tool/call\",\"params\":{\"a\":\"\xff\"}}",
        b"\"\x80\"",
    ] {
        let defect = read(line).unwrap_err();
        assert!(
            matches!(defect.kind, DefectKind::Malformed(_)),
            "{}",
            line.escape_ascii()
        );
        assert_eq!(defect.id, None);
    }
    for line in [
        &b"{\"id\":7,\"error\":{\"code\":1,\"message\":\"m\",\"data\":\"\xff\"}}"[..],
        b"{\"id\":7,\"result\":{\"\xff\":1}}",
        b"{\"result\":\"\xe2\x82\",\"id\":7}",
        b"{\"result\":\"\",\"x\":\"\xff\",\"id\":7}",
    ] {
        let defect = read(line).unwrap_err();
        assert!(
            matches!(defect.kind, DefectKind::Malformed(_)),
            "{}",
            line.escape_ascii()
        );
        assert_eq!(defect.id, Some(7), "{}", line.escape_ascii());
    }
}

#[test]
fn half_a_surrogate_pair_costs_a_message_one_character() {
    for (escaped, expected) in [
        (r"a\ud800b\n", "a\u{fffd}b\n"),
        (r"\udc00\ud83d\ude00", "\u{fffd}\u{1f600}"),
        (r"\ud800\ud83d\ude00\ud83d", "\u{fffd}\u{1f600}\u{fffd}"),
        (r"\ud800\u0041", "\u{fffd}A"),
    ] {
        let line = format!(r#"{{"id":7,"error":{{"code":1,"message":"{escaped}"}}}}"#);
        let Ok(Message::Response {
            answer: Answer::Error { message, .. },
            ..
        }) = read(line.as_bytes())
        else {
            panic!("{line}");
        };
        assert_eq!(message, expected);
    }
    // An id is compared, so one that is no text is none.
    let event = notification(br#"{"method":"turn/completed","params":{"threadId":"\ud800","turn":{"id":"u","x":"\udfff"}}}"#);
    assert_eq!(
        (event.ids.thread, event.ids.turn.as_deref()),
        (None, Some("u"))
    );
}

#[test]
fn nothing_is_too_deep_or_too_long_to_be_read() {
    for depth in [190, 210, 100_000] {
        let deep = ["[".repeat(depth), "]".repeat(depth)].concat();
        let line = format!(
            r#"{{"method":"turn/completed","params":{{"x":{deep},"threadId":"t","turn":{{"y":{deep},"id":"u"}}}}}}"#
        );
        let event = notification(line.as_bytes());
        assert_eq!(
            (event.ids.thread.as_deref(), event.ids.turn.as_deref()),
            (Some("t"), Some("u"))
        );
        let line = format!(r#"{{"id":7,"result":{deep}}}"#);
        assert!(read(line.as_bytes()).is_ok());
        assert!(read(deep.as_bytes()).is_err_and(|defect| defect.kind == DefectKind::UnknownShape));
        let unclosed = &line[..line.len() - 2];
        assert_eq!(read(unclosed.as_bytes()).unwrap_err().id, Some(7));
    }
    let digits = "1".repeat(10_000);
    let line = format!(r#"{{"method":"x","params":{{"n":{digits},"threadId":"t"}}}}"#);
    assert_eq!(
        notification(line.as_bytes()).ids.thread.as_deref(),
        Some("t")
    );
}

#[test]
fn a_line_that_has_a_method_answers_no_request() {
    for line in [
        &br#"{"id":7,"method":null}"#[..],
        br#"{"id":7,"method":5,"result":{}}"#,
        br#"{"result":{},"id":7,"method":["x"]}"#,
        br#"{"id":7,"method":"item/tool/call"#,
        br#"{"id":7,"method":"item/tool/call","params":{"result":"#,
        br#"{"id":7,"result":{},"method":}"#,
        br#"{"id":7,"result":{},"method"#,
        br#"{"id":7,"result":{},"\u006dethod":"#,
    ] {
        let defect = read(line).unwrap_err();
        let expected = match line {
            // Of the last member only a part of its name is there.
            br#"{"id":7,"result":{},"method"# => Some(7),
            _ => None,
        };
        assert_eq!(defect.id, expected, "{}", line.escape_ascii());
    }
}

#[test]
fn a_broken_line_answers_a_request_once_an_answer_has_begun() {
    let id = |line: &[u8]| read(line).unwrap_err().id;
    for line in [
        &br#"{"id":7,"result":"#[..],
        br#"{"id":7,"error":{"code":-1,"mess"#,
        br#"{"result":{},"id":7,"#,
        br#"{"result":{},"id":7 ,x"#,
        br#"{"id":7,"jsonrpc":"2.0","result":{}} {"#,
    ] {
        assert_eq!(id(line), Some(7), "{}", line.escape_ascii());
    }
    for line in [
        &br#"{"id":7"#[..],
        br#"{"id":7,"#,
        br#"{"id":7,"resul"#,
        br#"{"id":7,"params":{"result":"#,
        // The number may go on where the line does not, and a later id would have been the one that counts.
        br#"{"result":{},"id":7"#,
        br#"{"result":{},"id":7x"#,
        br#"{"id":7,"result":{},"id":"#,
    ] {
        assert_eq!(id(line), None, "{}", line.escape_ascii());
    }
}

#[test]
fn a_line_that_is_no_message_has_to_be_json_to_its_end() {
    for line in [&br#"{"method":5,"#[..], br#"{"method":"a","method":5]"#] {
        assert!(
            matches!(read(line).unwrap_err().kind, DefectKind::Malformed(_)),
            "{}",
            line.escape_ascii()
        );
    }
}

#[test]
fn the_last_of_two_members_of_one_name_counts() {
    assert!(matches!(
        read(br#"{"id":1,"id":2,"result":1,"result":2}"#),
        Ok(Message::Response {
            id: Some(2),
            answer: Answer::Result(b"2")
        })
    ));
    assert_eq!(
        read(br#"{"id":1,"error":null,"error":{"code":1,"message":"a","data":1,"code":2,"message":"b","data":null}}"#),
        Ok(Message::Response {
            id: Some(1),
            answer: Answer::Error {
                code: 2,
                message: "b".into(),
                data: None
            }
        })
    );
    let method = notification(br#"{"method":5,"method":"x","params":{}}"#);
    assert_eq!(method.method, "x");
    let defect = read(br#"{"method":"x","method":5}"#).unwrap_err();
    assert_eq!(defect.kind, DefectKind::UnknownShape);
    assert_eq!(
        member(
            br#"{"requestId":1,"n":{"requestId":3},"requestId":2}"#,
            "requestId"
        ),
        Some(&b"2"[..])
    );
    assert_eq!(member(br#"{"n":1"#, "n"), None);
}

#[test]
fn ids_are_those_of_the_last_member_of_their_name() {
    let ids = |line: &'static str| {
        let Ids {
            thread,
            turn,
            subject,
        } = notification(line.as_bytes()).ids;
        let text = |id: Option<std::borrow::Cow<'static, str>>| id.map(String::from);
        [text(thread), text(turn), text(subject.map(|(_, id)| id))]
    };
    let of = |thread: &str, turn: &str, subject: &str| {
        [thread, turn, subject].map(|id| (!id.is_empty()).then(|| id.to_owned()))
    };
    for (line, expected) in [
        (
            r#"{"method":"x","params":{"threadId":"a","turnId":"b","threadId":"c","turnId":"d"}}"#,
            of("c", "d", ""),
        ),
        (
            r#"{"method":"x","params":{"threadId":"a","turnId":"b","threadId":null,"turnId":{}}}"#,
            of("", "", ""),
        ),
        (
            r#"{"method":"item/agentMessage/delta","params":{"threadId":"a","turnId":"b","threadId":7}}"#,
            of("", "b", ""),
        ),
        (
            r#"{"method":"x","params":{"turn":{"id":"a"},"turn":{"id":"b","id":"c"}}}"#,
            of("", "c", ""),
        ),
        (
            r#"{"method":"x","params":{"turn":{"id":"a"},"turn":null}}"#,
            of("", "", ""),
        ),
        (
            r#"{"method":"turn/completed","params":{"turn":{"id":"a"},"turn":{"id":7}}}"#,
            of("", "", ""),
        ),
        (
            r#"{"method":"x","params":{"turnId":"a","turn":{"id":"b"},"turnId":null}}"#,
            of("", "b", ""),
        ),
        (
            r#"{"method":"x","params":{"watchId":"a","watchId":"b"}}"#,
            of("", "", "b"),
        ),
        (
            r#"{"method":"x","params":{"watchId":"a","watchId":null}}"#,
            of("", "", ""),
        ),
        (
            r#"{"method":"x","params":{"threadId":"a"},"params":{"threadId":"b"}}"#,
            of("b", "", ""),
        ),
        (
            r#"{"method":"x","params":{"threadId":"a"},"params":[]}"#,
            of("", "", ""),
        ),
        (
            r#"{"method":"x","params":{"threadId":"a","loginId":"c"},"method":"turn/started"}"#,
            of("a", "", ""),
        ),
        (
            r#"{"params":{"threadId":"a"},"method":"x","params":{"threadId":"b"}}"#,
            of("b", "", ""),
        ),
    ] {
        assert_eq!(ids(line), expected, "{line}");
    }
    let turn = IdPath::Nested("turn", "id");
    let answer = br#"{"turn":{"id":"a"},"turn":{"id":"b"}}"#;
    assert_eq!(id_in_answer(answer, turn).as_deref(), Some("b"));
}

#[test]
fn of_two_names_of_a_stream_the_schemas_first_counts() {
    for line in [
        br#"{"method":"x","params":{"loginId":"l","watchId":"w"}}"#,
        br#"{"method":"x","params":{"watchId":"w","loginId":"l"}}"#,
    ] {
        assert_eq!(
            notification(line).ids.subject,
            Some(("loginId", "l".into()))
        );
    }
}
