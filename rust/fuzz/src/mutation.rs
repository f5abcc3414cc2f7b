//! Inputs for the envelope: runs of lines that are recorded ones with a few parts changed. Most stay JSON, since
//! what is no JSON is soon refused; the rest is broken in one place.

use codex_core::wire::protocol::NOTIFICATIONS;

use crate::random::Random;
use crate::tree::Node;

/// What names members, and ways to write it.
const KEYS: [&str; 30] = [
    r#""method""#,
    r#""id""#,
    r#""params""#,
    r#""result""#,
    r#""error""#,
    r#""threadId""#,
    r#""turnId""#,
    r#""thread""#,
    r#""turn""#,
    r#""itemId""#,
    r#""delta""#,
    r#""processId""#,
    r#""processHandle""#,
    r#""watchId""#,
    r#""loginId""#,
    r#""sessionId""#,
    r#""requestId""#,
    r#""code""#,
    r#""message""#,
    r#""data""#,
    r#""emittedAtMs""#,
    r#""""#,
    r#""\u0074hreadId""#,
    r#""turnI\u0064""#,
    r#""m\u0065thod""#,
    r#""\/id""#,
    r#""\ud800""#,
    r#""é""#,
    r#""\ud83d\ude00""#,
    r#""a"b""#,
];

/// Values that are JSON and a little beyond the ordinary, and some that are not.
const VALUES: [&[u8]; 62] = [
    b"null",
    b"true",
    b"false",
    b"0",
    b"-0",
    b"7",
    b"-1",
    b"1.0",
    b"1e0",
    b"1E+2",
    b"-0.0e-0",
    b"1e400",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"-9223372036854775809",
    b"123456789012345678",
    b"1234567890123456789",
    b"\"\"",
    b"\"t\"",
    b"\"turn/started\"",
    br#""\u0041\n""#,
    br#""a\"b\\""#,
    br#""\/\b\f\n\r\t""#,
    br#""\u0000\u001f""#,
    br#""\ud83d\ude00""#,
    br#""\uD83D\uDE00x""#,
    "\"\u{e9}\u{20ac}\u{1f600}\u{7f}\"".as_bytes(),
    b"{}",
    b"[]",
    b"[{}]",
    br#"{"id":"n"}"#,
    br#"{"id":7}"#,
    br#"{"id":"a","id":"b"}"#,
    br#"{"\u0069d":"e"}"#,
    br#"{"code":-32001,"message":"busy"}"#,
    // Half of a surrogate pair is JSON but no text.
    br#""\ud83d""#,
    br#""\ude00a""#,
    br#""\ude00\ud83d""#,
    br#""\ud83d\u0041""#,
    br#""\ud83d\ud83d\ude00""#,
    br#""\ud83d\n""#,
    // No JSON.
    b"01",
    b"-",
    b"1.",
    b".5",
    b"+1",
    b"1e",
    b"0x1",
    b"NaN",
    b"-Infinity",
    b"tru",
    b"nulll",
    b"",
    b"'a'",
    br#""\x""#,
    br#""\u12""#,
    b"\"a\tb\"",
    b"\"\0\"",
    // No UTF-8.
    b"\"\xff\"",
    b"\"\xed\xa0\x80\"",
    b"\"\xe2\x82",
];

/// A few lines of one kind, as the wire has them: some as they were recorded, some changed.
pub fn lines(random: &mut Random, recorded: &[Node]) -> Vec<u8> {
    let mut input = Vec::new();
    let mut seed = random.below(recorded.len());
    for _ in 0..=random.below(3) {
        if random.one_in(5) {
            seed = random.below(recorded.len());
        }
        input.extend((!input.is_empty()).then_some(b'\n'));
        line(random, recorded.get(seed), &mut input);
    }
    input
}

fn line(random: &mut Random, recorded: Option<&Node>, out: &mut Vec<u8>) {
    let mut node = recorded.cloned().unwrap_or(Node::Raw(b"{}".to_vec()));
    if random.one_in(12) {
        other_method(random, &mut node);
    }
    for _ in 0..random.pick(&[0, 1, 1, 1, 1, 2, 2, 3, 6]) {
        change(random, &mut node);
    }
    let gap = if random.one_in(8) {
        random.pick(&[1, 3, 10, 40])
    } else {
        0
    };
    let mut line = Vec::new();
    node.write(random, gap, &mut line);
    if random.one_in(6) {
        for _ in 0..=random.below(3) {
            spoil(random, &mut line);
        }
    }
    line.retain(|byte| *byte != b'\n');
    out.extend(line);
}

/// Makes it a message of another method that the schema knows.
fn other_method(random: &mut Random, node: &mut Node) {
    let method = NOTIFICATIONS[random.below(NOTIFICATIONS.len())].method;
    let Node::Object(members) = node else {
        return;
    };
    for (key, value) in members {
        if key == b"\"method\"" {
            *value = Node::Raw(format!("\"{method}\"").into_bytes());
        }
    }
}

/// Changes one node, near the top as a rule: that is what the envelope is about.
fn change(random: &mut Random, root: &mut Node) {
    let count = root.count();
    let near = random.pick(&[1, 4, 10, count]);
    let mut before = random.below(count.min(near));
    let new = value(random);
    match root.after(&mut before) {
        Some(Node::Object(members)) => change_members(random, members, new),
        Some(Node::Array(nodes)) => {
            let place = random.below(nodes.len() + 1);
            match nodes.get_mut(place) {
                Some(node) if random.one_in(2) => *node = new,
                _ => nodes.insert(place, new),
            }
        }
        Some(Node::Raw(raw)) if raw.len() > 2 && raw.starts_with(b"\"") && random.one_in(2) => {
            let place = 1 + random.below(raw.len() - 1);
            let inserted = match random.below(3) {
                // So long that what is behind it stands at another place of a word of eight bytes.
                0 => vec![b'a' + random.byte() % 26; random.below(40)],
                _ => random.pick(&VALUES[18..]).trim_ascii().to_vec(),
            };
            let quotes = |byte: &u8| *byte != b'"';
            raw.splice(place..place, inserted.into_iter().filter(quotes));
        }
        Some(node) => *node = new,
        None => {}
    }
}

fn change_members(random: &mut Random, members: &mut Vec<(Vec<u8>, Node)>, new: Node) {
    let key = random.pick(&KEYS).as_bytes().to_vec();
    let place = random.below(members.len());
    match (random.below(9), members.get_mut(place)) {
        (0, Some(_)) => drop(members.remove(place)),
        // The same member twice, or the same key with another value.
        (1, Some(member)) => {
            let twin = member.clone();
            members.insert(random.below(members.len() + 1), twin);
        }
        (2 | 3, Some((key, _))) => {
            let twin = (key.clone(), new);
            members.insert(random.below(members.len() + 1), twin);
        }
        (4, Some((_, node))) => *node = new,
        (5, Some((old, _))) => *old = key,
        // The same key, written otherwise.
        (6, Some((key, _))) if key.len() > 2 => {
            let letter = 1 + random.below(key.len() - 2);
            if key[letter].is_ascii_alphanumeric() {
                let escape = format!("\\u{:04x}", key[letter]);
                key.splice(letter..=letter, escape.bytes());
            }
        }
        (7, Some(_)) => {
            let other = random.below(members.len());
            members.swap(place, other);
        }
        _ => {
            let place = random.below(members.len() + 1);
            members.insert(place, (key, new));
        }
    }
}

fn value(random: &mut Random) -> Node {
    let raw = match random.below(24) {
        0 => deep(random),
        1 => vec![b'1' + random.byte() % 9; random.pick(&[17, 18, 19, 20, 100, 5000])],
        2 => {
            let inner: Vec<u8> = (0..random.below(40)).map(|_| random.byte()).collect();
            [b"\"", &inner[..], b"\""].concat()
        }
        _ => random.pick(&VALUES).to_vec(),
    };
    Node::Raw(raw)
}

/// Containers in containers; one in four is not closed as it should be.
fn deep(random: &mut Random) -> Vec<u8> {
    let depth = random.pick(&[2, 10, 63, 64, 65, 127, 128, 129, 200, 210, 400, 2000]);
    let kind = random.below(3);
    let (mut text, mut ends) = (Vec::new(), Vec::new());
    for level in 0..depth {
        let is_array = kind == 0 || kind == 2 && level % 3 == 0;
        text.extend_from_slice(if is_array { b"[" } else { br#"{"id":"# });
        ends.push(if is_array { b']' } else { b'}' });
    }
    if random.one_in(4) {
        let wrong = random.below(ends.len());
        match ends[wrong] {
            _ if random.one_in(2) => drop(ends.remove(wrong)),
            b']' => ends[wrong] = b'}',
            _ => ends[wrong] = b']',
        }
    }
    text.push(b'1');
    text.extend(ends.iter().rev());
    text
}

/// Changes bytes of which nobody knows what they are.
fn spoil(random: &mut Random, line: &mut Vec<u8>) {
    if line.is_empty() {
        return;
    }
    let at = random.below(line.len());
    let end = (at + random.below(20)).min(line.len());
    match random.below(8) {
        0 => line[at] = random.byte(),
        1 => line[at] = random.pick(b"\"\\{}[]:,0-9.eutfn \t\r\xff\xc3"),
        2 => drop(line.remove(at)),
        3 => line.insert(at, line[at]),
        4 => line.truncate(at),
        5 => drop(line.drain(at..end)),
        6 => {
            let part = line[at..end].to_vec();
            let to = random.below(line.len());
            line.splice(to..to, part);
        }
        _ => line[at] ^= 1 << random.below(8),
    }
}
