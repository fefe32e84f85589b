//! The officer: looks at the desk, takes note, signs, withdraws; sometimes of what they saw a while ago. What has found no
//! answer is asked again, under the same id.

use std::sync::Arc;

use tokio::sync::oneshot;
use watchfire::views::{Asked, DeskView, Wish};
use watchfire_model::command::{Act, Command, Refusal};
use watchfire_model::id::CommandId;
use watchfire_model::warning::{Publication, Warning};

use crate::chance::Chance;
use crate::house::{House, Time};

type Answer = oneshot::Receiver<Result<(), Refusal>>;

/// One officer on shift.
#[derive(Default)]
pub(crate) struct Officer {
    asked: Vec<(Command, Option<Answer>)>,
    last_seen: Option<Arc<DeskView>>,
    /// Acts that were carried out, and that were refused.
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
}

fn is_live(warning: &Warning) -> bool {
    !matches!(warning.publication, Publication::Ended { .. })
}

impl Officer {
    /// Does what a careful officer does: takes note of every warning and signs whatever waits.
    pub(crate) fn do_all(&mut self, house: &mut House, time: &Time) {
        let view = Arc::clone(&house.view.borrow());
        for warning in view.warnings.iter().filter(|warning| is_live(warning)) {
            let (id, version) = (warning.id.clone(), warning.version);
            self.ask(house, time, Act::Acknowledge { warning: id.clone(), version });
            if let Some(waiting) = &warning.waiting {
                self.ask(house, time, Act::Release { warning: id, version: waiting.version });
            }
        }
    }

    /// Does something to some warning, by chance as it stands or as it stood a while ago.
    pub(crate) fn do_something(&mut self, house: &mut House, time: &Time, chance: &Chance) {
        let view = Arc::clone(&house.view.borrow());
        let seen = self.last_seen.take().filter(|_| chance.one_in(4)).unwrap_or_else(|| Arc::clone(&view));
        self.last_seen = Some(view);
        let live: Vec<_> = seen.warnings.iter().filter(|warning| is_live(warning)).collect();
        if live.is_empty() {
            return;
        }
        let warning = live[chance.below(live.len())];
        let (id, version) = (warning.id.clone(), warning.version);
        let act = match (&warning.waiting, chance.below(20)) {
            (_, 0) if warning.hazard.as_str() == "landslide" => Act::Cancel { warning: id, version },
            (Some(waiting), 1..14) => Act::Release { warning: id, version: waiting.version },
            _ => Act::Acknowledge { warning: id, version },
        };
        self.ask(house, time, act);
    }

    fn ask(&mut self, house: &mut House, time: &Time, act: Act) {
        let id = CommandId::from(format!("{}-{}", time.at, self.asked.len()));
        let command = Command { id, who: "zhang".into(), why: "as drilled".to_owned(), from: "sim".to_owned(), act };
        self.asked.push((command, None));
        self.ask_again(house);
    }

    /// Asks what was never asked, or whose answer died with the daemon. To be called after a restart.
    pub(crate) fn ask_again(&mut self, house: &mut House) {
        for (command, answer) in &mut self.asked {
            if answer.is_none() {
                let (tx, rx) = oneshot::channel();
                let taken = house.ask(Asked { wish: Wish::Command(command.clone()), answer: tx });
                *answer = taken.then_some(rx);
            }
        }
    }

    /// The daemon has died: answers under way will never come.
    pub(crate) fn forget_answers(&mut self) {
        self.listen();
        self.asked.iter_mut().for_each(|(_, answer)| *answer = None);
    }

    /// Takes the answers that have come.
    pub(crate) fn listen(&mut self) {
        let (accepted, refused) = (&mut self.accepted, &mut self.refused);
        self.asked.retain_mut(|(_, answer)| match answer.as_mut().map(oneshot::Receiver::try_recv) {
            Some(Ok(Ok(()))) => {
                *accepted += 1;
                false
            }
            Some(Ok(Err(_))) => {
                *refused += 1;
                false
            }
            Some(Err(_)) | None => true,
        });
    }

    /// Whether every question has been answered.
    pub(crate) fn is_answered(&self) -> bool {
        self.asked.is_empty()
    }
}
