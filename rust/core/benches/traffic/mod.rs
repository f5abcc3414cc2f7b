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
