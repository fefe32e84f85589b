//! What must hold in every life (SEMANTICS §10), each against a model that a child could check.

mod clocks;
mod country;
mod grades;
mod lateness;
mod life;
mod reloads;
mod repeats;
mod restarts;
mod twins;
