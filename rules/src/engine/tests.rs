//! What a measure may say and what it may not.

use watchfire_model::time::Zone;

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
        ("rain.sum(\"0\")", "1:10 a window has a length"),
        ("rain.sum()", "1:1 the window of rain.sum must be written out"),
        ("rain.sum(\"1h\", \"1h\", \"1h\")", "1:1 the window of rain.sum must be written out"),
        ("rain.smu(\"1h\")", "1:6 a point has no \"smu\""),
        ("rain.day(\"8\")", "1:10 \"8\" is no time of day"),
        ("rain.day(\"08:00\", 31)", "1:19 31 is no count"),
        ("rain.event(\"6h\", \"3h\")", "1:1 a dry spell of 6h cannot be seen in 3h"),
        ("rain.antecedent(0.8, \"08:00\", stage)", "1:1 the window of rain.antecedent must be written out"),
        ("stage.days_to_failure(\"1d\", 4, 0.1)", "1:1 a line through inverse rates takes 5"),
        ("stage.discharge(\"50: 1\")", "1:17 a table has 2 to 64 pairs"),
        ("stage.discharge(\"50: 1, 49: 2\")", "1:17 the table does not rise at 49: 2"),
        ("stage.discharge(\"50: 1, fifty: 2\")", "1:17 \"fifty: 2\" is no pair"),
        ("now", "1:1 now is a moment, not a value"),
        ("if now.season(\"13-01\", \"09-30\") { 1 } else { 2 }", "1:15 \"13-01\" is no day of the year"),
        ("now.wet", "1:5 the moment has no \"wet\""),
        ("if bit(stage, 1) > 0 { 1 } else { 2 }", "1:18 only numbers can be compared, and this is true or false"),
        ("max(stage)", "1:1 there is no function max"),
        ("stage.last.pad(5)", "1:12 there is no function pad"),
        ("stage.sort()", "1:7 a point has no \"sort\""),
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

/// D14 to D17: what has brought other hosts down is refused at load, or ended within its steps.
#[test]
fn attacks_are_refused() {
    let deep = |left: &str, right: &str, n: usize| format!("{}1{}", left.repeat(n), right.repeat(n));
    for attack in [
        "while true { }".to_owned(),
        "let x = 0; loop { x += 1; }".to_owned(),
        "fn f(x) { f(x + 1) } f(stage)".to_owned(),
        "fn f(x) { f(x) + f(x) } f(1)".to_owned(),
        "let s = \"x\"; loop { s += s; }".to_owned(),
        "let a = [0]; loop { a += a; }".to_owned(),
        "\"x\".pad(5, \"\")".to_owned(),
        "sleep(10)".to_owned(),
        "sleep(1.5)".to_owned(),
        "eval(\"1\")".to_owned(),
        "import \"x\" as y; 1".to_owned(),
        "for i in 0..1_000_000_000 { } 1".to_owned(),
        "call(stage)".to_owned(),
        "Fn(\"f\").call()".to_owned(),
        "`${stage}`".to_owned(),
        "'x' > 3".to_owned(),
        deep("(", ")", 5_000),
        deep("-", "", 5_000),
        deep("abs(", ")", 5_000),
        deep("if stage > 0 { ", " } else { 0 }", 500),
        format!("1{}", "+1".repeat(20_000)),
    ] {
        assert!(compile(&attack).is_err(), "{}", attack.get(..60).unwrap_or(&attack));
    }
}

/// D11 to D13: what Rhai by itself answers with false or with too little.
#[test]
fn what_rhai_would_answer_wrongly_is_answered_rightly() {
    assert_eq!(run("7 / 2", Some(3.0)), Ok(3.5));
    assert_eq!(run("let n = 7; n /= 2; n", Some(3.0)), Ok(3.5));
    assert_eq!(run("let n = 1; if stage > 2 { n = 10 } n / 4", Some(3.0)), Ok(2.5));
    assert_eq!(run("let n = 7.5; n %= 2; n", Some(3.0)), Ok(1.5));
    for broken in [
        "let x = 1.0; x /= stage - 3.0; if x > 2 { 1 } else { 0 }",
        "let x = 1; x %= stage - 3.0; if x > 2 { 1 } else { 0 }",
        "1.0 / (stage - 3)",
        "(stage - 3.0) / (stage - 3.0)",
        "exp(stage * 300)",
        "stage % (stage - 3)",
    ] {
        assert!(matches!(run(broken, Some(3.0)), Err(Blank::Broken(_))), "{broken}");
    }
    for refused in [
        "if (stage > 3) > 2 { 1 } else { 0 }",
        "if stage > 3 > 2 { 1 } else { 0 }",
        "if true > false { 1 } else { 0 }",
        "let x = if stage > 100 { 1.0 }; if x > 2 { 1 } else { 0 }",
        "let x; if x == 2 { 1 } else { 0 }",
        "let x = bit(abs(floor(stage)), 0); x + 1",
    ] {
        assert!(compile(refused).is_err(), "{refused}");
    }
}

/// F53: what fails at one station fails at no other, and holds its grade there.
#[test]
fn what_fails_at_one_station_fails_at_no_other() {
    use watchfire_model::finding::Evidence;
    use watchfire_model::grade::Grade;
    use watchfire_model::id::PointIx;
    use watchfire_model::reading::Reading;

    use crate::evaluator::tests::world::{MINUTE, World, point, rule, said, site};
    let fails_at_three = rule("stage", "12.0 / (stage - 3.0)");
    let mut world = World::new(site(vec![vec![point(0, "stage")], vec![point(1, "stage")]], vec![fails_at_three]));
    for (minute, stages) in (0..).zip([[6.0, 6.5], [3.0, 6.5]]) {
        for (point, stage) in (0..).zip(stages) {
            world.reading(minute * MINUTE, &Reading { point: PointIx(point), ..said(minute, stage) });
        }
    }
    let stands: Vec<_> = world.evaluator.subjects().map(|view| (view.judged, view.evidence)).collect();
    let message = "division by zero (line 1, column 6)".to_owned();
    let other = (Some(Grade::Orange), Evidence::Good);
    assert_eq!(stands, [(Some(Grade::Red), Evidence::RuleError { message }), other]);
}

/// A discharge beyond the rating raises, and ends nothing.
#[test]
fn what_was_never_gauged_ends_nothing() {
    use crate::evaluator::tests::world::{World, point, rule};
    let rated = rule("stage", "stage.discharge_power(1.0, 0.0, 1.0, 0.5, 3.5)");
    let mut world = World::of_stage(point(0, "stage"), rated);
    for (minute, stage) in (0..).zip([0.2, 5.0, 3.6, 3.5, 0.2]) {
        world.hear(minute, stage);
    }
    assert_eq!(world.story(), "1:clear>red 3:red>orange 4:orange>clear");
}

/// DOMAIN §4.1: stages on two datums are brought to one before they are compared.
#[test]
fn stages_on_two_datums_are_not_compared() {
    use std::sync::Arc;

    use crate::evaluator::tests::world::{point, rule, site};
    use crate::ruleset::RuleSet;
    let compile = |measure: &str| {
        let plain = site(vec![vec![point(0, "stage")], vec![point(1, "stage")]], vec![rule("stage", measure)]);
        let mut two = watchfire_model::site::Site::clone(&plain);
        two.rules[0].watch.stations = vec!["s0".to_owned()];
        for (station, datum) in two.stations.iter_mut().zip(["1985", "吴淞"]) {
            station.datum = Some(datum.to_owned());
        }
        RuleSet::compile(Arc::new(two)).map(|_| ()).map_err(|problems| problems[0].message.clone())
    };
    let said = compile("upstream.stage.last - stage").expect_err("two datums");
    assert_eq!(
        said,
        "rule \"r\" holds stages on two datums against each other for \"s0\": 吴淞 at \"s1\", 1985 at \"s0\""
    );
    for sound in [
        "datum(upstream.stage, 1.864) - stage",
        "datum(upstream.stage.max(\"1h\"), 1.864) - stage.mean(\"1h\")",
        "upstream.stage.rise(\"1h\") - stage.rise(\"1h\")",
        "upstream.stage.grade + stage.grade",
    ] {
        assert_eq!(compile(sound), Ok(()), "{sound}");
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
fn run(text: &str, stage: Option<f64>) -> Result<f64, Blank> {
    let sandbox = Sandbox::new();
    let program = Program::compile(&sandbox, text, &known(), false).expect("a sound measure");
    let mut bench = program.bench(&Zone::default(), |_| 1);
    for (ask, _) in program.asks().enumerate() {
        bench.clear(ask);
        if let Some(value) = stage {
            bench.fill(ask, value, Default::default());
        }
    }
    let first = program.run(&sandbox, &mut bench);
    assert_eq!(first, program.run_strictly(&sandbox, &mut bench), "a plain measure is no other measure");
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
    assert_eq!(broken, Blank::Broken("division by zero (line 2, column 5)".into()));
}

#[test]
fn a_function_that_panics_unwinds_through_a_script_and_leaves_the_engine_as_it_was() {
    let mut sandbox = Sandbox::new();
    sandbox.strict.register_fn("shatters", |x: f64| if x > 5_000.0 { panic!("it was {x}") } else { x });
    let program = Program::compile(&sandbox, "let a = shatters(stage.last); a + 1", &known(), false).expect("sound");
    let mut bench = program.bench(&Zone::default(), |_| 1);
    let mut run = |value: f64| {
        bench.clear(0);
        bench.fill(0, value, Default::default());
        let run = || program.run(&sandbox, &mut bench);
        let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        bench.clean();
        answer.map_err(|cause| cause.downcast_ref::<String>().cloned())
    };
    assert_eq!(run(3.0), Ok(Ok(4.0)));
    assert_eq!(run(6_000.0), Err(Some("it was 6000".to_owned())));
    assert_eq!(run(3.0), Ok(Ok(4.0)));
}
