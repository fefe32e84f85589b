//! What a measure may say and what it may not.

use super::*;

fn known() -> Vec<String> {
    ["stage", "rain"].map(str::to_owned).to_vec()
}

/// Compiles a measure of the points `stage` and `rain`; the first complaint if it is refused.
fn compile(text: &str) -> Result<Program, String> {
    Program::compile(&Sandbox::new(), text, &known(), false).map_err(|faults| {
        let fault = faults.into_iter().next().expect("a refusal says why");
        format!("{}:{} {}", fault.line.unwrap_or(0), fault.column.unwrap_or(0), fault.message)
    })
}

#[test]
fn what_is_no_measure_is_refused_at_load() {
    for (text, complaint) in [
        ("stag > 3", "1:1 nothing is called \"stag\" here"),
        ("if stage > 3.0 { 1.0 }", "0:0 the measure is nothing at all (a branch without a value?)"),
        ("stage > 3.0", "0:0 the measure is true or false"),
        ("\"abc\" > 3.0", "1:1 text has no place in a measure"),
        (
            "let wet = rain > 0; if wet > 3.0 { 1 } else { 0 }",
            "1:28 only numbers can be compared, and this is true or false",
        ),
        ("rain.sum(stage)", "1:1 the window of rain.sum must be written out"),
        ("rain.sum(\"5 parsecs\")", "1:10 \"5 parsecs\" is not a length of time"),
        ("[1, 2]", "1:1 an array has no place in a measure"),
        ("#{ a: 1 }", "1:1 a map has no place in a measure"),
        ("() > 3.0", "1:1 the empty value () has no place in a measure"),
        ("loop { }", "1:6 the script runs away: it takes too many steps"),
        ("eval(1)", "1:1 "),
        ("sleep(1)", "1:1 there is no function sleep"),
        ("stage +", "1:8 "),
        ("\n\n  nothing", "3:3 nothing is called \"nothing\" here"),
    ] {
        let said = compile(text).map(|_| ()).expect_err(text);
        assert!(said.starts_with(complaint), "{text}: {said}");
    }
}

#[test]
fn every_function_in_the_manual_runs() {
    for (call, _, example) in FUNCTIONS {
        let many = call.starts_with("values");
        let refused = Program::compile(&Sandbox::new(), example, &known(), many).map(|_| ());
        assert_eq!(refused, Ok(()), "{call}");
    }
}

#[test]
fn windows_are_found_before_anything_runs() {
    let text = "// the official index\nlet r = rain.sum(\"72h\"); let a = rain.sum(\"360h\", \"72h\");\n\
                let i = if a >= 3.5 / 0.67 { r } else { r - (3.5 - 0.67 * a) }; i + upstream.stage.last";
    let program = compile(text).expect("a sound measure");
    assert_eq!(program.describe_windows(), ["rain.sum(\"3d\")", "rain.sum(\"15d\", \"3d\")"]);
    let names: Vec<String> = program.names().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["rain", "upstream.stage"]);
}

/// Runs a measure with `stage` at a value, or unknown.
fn run(text: &str, stage: Option<f64>) -> Result<f64, crate::window::Blank> {
    let sandbox = Sandbox::new();
    let program = Program::compile(&sandbox, text, &known(), false).expect("a sound measure");
    let mut bench = program.bench(|_| 1);
    for (ask, _) in program.asks().enumerate() {
        bench.clear(ask);
        if let Some(value) = stage {
            bench.fill(ask, value, Default::default());
        }
    }
    let first = program.run(&sandbox, &mut bench);
    assert_eq!(first, program.run(&sandbox, &mut bench), "a measure leaves nothing behind");
    first
}

#[test]
fn a_measure_computes_as_people_do() {
    for (text, expected) in [
        ("stage", 3.0),
        ("7 / 2", 3.5),
        ("stage * 2 + 1", 7.0),
        ("-stage", -3.0),
        ("-(stage.last) + -2", -5.0),
        ("if !(stage < 2 || stage == 3) { 1 } else { 0 }", 0.0),
        ("stage ** 2", 9.0),
        ("max(stage, 5)", 5.0),
        ("if stage > 2 { 1 } else { 0 }", 1.0),
        ("fn twice(x) { x * 2 } twice(stage.last)", 6.0),
        ("let x = stage; x + x", 6.0),
        ("let n = 0; while n < 10 { n += 1; } n", 10.0),
    ] {
        assert_eq!(run(text, Some(3.0)), Ok(expected), "{text}");
    }
}

#[test]
fn unknown_ends_a_measure_wherever_it_is_met() {
    use crate::window::Blank;
    for (text, expected) in [
        ("unknown", Blank::Unknown),
        ("unknown + 1", Blank::Unknown),
        ("if unknown > 3.0 { 1 } else { 0 }", Blank::Unknown),
        ("stage", Blank::Thin),
        ("if stage > 3.0 { 1 } else { 0 }", Blank::Thin),
        ("try { stage + 1.0 } catch { 9.0 }", Blank::Thin),
        ("max(stage, 1.0)", Blank::Thin),
    ] {
        assert_eq!(run(text, None), Err(expected), "{text}");
    }
}

#[test]
fn a_failure_says_where() {
    let broken = run("let x = stage - 3.0;\n1.0 / x", Some(3.0)).expect_err("a division by zero");
    assert_eq!(broken, crate::window::Blank::Broken("division by zero (line 2, column 5)".into()));
}
