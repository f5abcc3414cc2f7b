//! Lines as the runtime writes them, for all benches of the core.
#![allow(dead_code, reason = "each bench uses some of it")]

/// A delta of the given turn and text: 204 bytes with its newline.
pub fn delta(turn: usize, text: usize) -> Vec<u8> {
    let line = format!(
        concat!(
            r#"{{"method":"item/agentMessage/delta","params":{{"#,
            r#""threadId":"01a1fb35-bac0-74f3-9218-{turn:012x}","#,
            r#""turnId":"{id}","itemId":"m1","delta":"{text:05x}"}},"#,
            r#""emittedAtMs":1795215824000}}"#,
            "\n"
        ),
        turn = turn,
        id = turn_id(turn),
        text = text
    );
    assert_eq!(line.len(), 204);
    line.into_bytes()
}

pub fn turn_id(turn: usize) -> String {
    format!("01a1fb35-bad1-7f10-8c1e-{turn:012x}")
}

/// About as many lines as a pipe holds, four of each turn in a row.
pub fn chunk(turns: usize) -> Vec<Vec<u8>> {
    (0..320)
        .map(|number| delta(number / 4 % turns, number))
        .collect()
}

/// The lines of a short turn, as 0.163.0 has them: a long question, some words of an answer. 22 lines.
pub fn turn(turn: usize) -> Vec<u8> {
    let ids = format!(
        r#""threadId":"01a1fb35-bac0-74f3-9218-{turn:012x}","turnId":"{}""#,
        turn_id(turn)
    );
    let own = format!(
        r#""threadId":"01a1fb35-bac0-74f3-9218-{turn:012x}","turn":{{"id":"{id}","items":[],"itemsView":"notLoaded","status":"inProgress","error":null,"startedAt":1795215824,"completedAt":null,"durationMs":null,"rootTurnId":"{id}"}}"#,
        id = turn_id(turn)
    );
    let line = |method: &str, params: &str| {
        format!(r#"{{"method":"{method}","params":{{{params}}},"emittedAtMs":1795215824000}}"#)
    };
    let question = "Read what is here, and say what you think of it. ".repeat(80);
    let item = |text: &str, kind: &str| {
        format!(r#""item":{{"type":"{kind}","id":"m1","text":"{text}"}},{ids},"startedAtMs":5"#)
    };
    let mut lines = vec![
        line("turn/started", &own),
        line("item/started", &item(&question, "userMessage")),
        line("item/completed", &item(&question, "userMessage")),
        line("item/started", &item("", "agentMessage")),
    ];
    let delta = String::from_utf8(delta(turn, 1)).unwrap();
    lines.extend((0..16).map(|_| delta.trim_end().to_owned()));
    lines.push(line("item/completed", &item("words", "agentMessage")));
    lines.push(line(
        "turn/completed",
        &own.replace("inProgress", "completed"),
    ));
    (lines.join("\n") + "\n").into_bytes()
}
