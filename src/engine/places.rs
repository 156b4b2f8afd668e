//! Places in flight: how many requests may be on their way at once.
//!
//! Whether the provider knows the account and takes the message is known with the first answer, and what was sent
//! before it cannot be called back. So the number of places grows with what is known, and shrinks with it. Only counts;
//! what is known is decided by the halt rule, and how many are of use by the sizing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Places for requests, more or fewer of them with each answer.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    count: Mutex<Count>,
    /// Wakes the one who waits when a place is free or all are.
    free: Notify,
}

#[derive(Debug)]
struct Count {
    /// Places there are, those that are taken among them.
    open: usize,
    taken: usize,
}

/// What a request in flight holds, from before its intent is asked for until its outcome is in the recorder's queue. Free
/// again when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Places>);

impl Places {
    /// `open` places for now, and never more than `most`.
    pub(super) fn new(open: usize, most: usize) -> Arc<Self> {
        Arc::new(Self { most, count: Mutex::new(Count { open: open.min(most), taken: 0 }), free: Notify::new() })
    }

    /// Waits for a place. For one who waits at a time.
    pub(super) async fn take(self: &Arc<Self>) -> Place {
        loop {
            match self.try_take() {
                Some(place) => return place,
                None => self.free.notified().await,
            }
        }
    }

    /// A place, if there is one right now.
    pub(super) fn try_take(self: &Arc<Self>) -> Option<Place> {
        let mut count = self.count();
        let is_free = count.taken < count.open;
        is_free.then(|| {
            count.taken += 1;
            Place(self.clone())
        })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.count().taken
    }

    /// Waits until none is taken. For when nobody takes any.
    pub(super) async fn all_free(&self) {
        while self.taken() > 0 {
            self.free.notified().await;
        }
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Gives the place back; from now on there are to be `open` of them. Where more are taken, none is free until enough
    /// of them are back.
    pub(super) fn leave(self, open: usize) {
        self.0.count().open = open.min(self.0.most);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.count().taken -= 1;
        self.0.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_grow_at_once_and_shrink_as_they_come_back() {
        let places = Places::new(1, 4);
        let first = places.try_take().unwrap();
        assert!(places.try_take().is_none());
        first.leave(3);
        let mut taken: Vec<Place> = std::iter::from_fn(|| places.try_take()).collect();
        assert_eq!(taken.len(), 3);
        // Two come back, and fewer are to be there.
        taken.pop().unwrap().leave(2);
        assert!(places.try_take().is_none());
        taken.pop().unwrap().leave(1);
        assert!(places.try_take().is_none(), "the last is still taken");
        // One that was not used comes back as it is.
        drop(taken);
        let taken: Vec<Place> = std::iter::from_fn(|| places.try_take()).collect();
        assert_eq!(taken.len(), 1);
        taken.into_iter().for_each(|place| place.leave(99));
        assert_eq!(std::iter::from_fn(|| places.try_take()).collect::<Vec<_>>().len(), 4, "never more than the most");
    }

    #[tokio::test]
    async fn whoever_waits_learns_of_a_place_and_of_the_last_that_comes_back() {
        let places = Places::new(1, 1);
        let place = places.take().await;
        let (taken, ()) = tokio::join!(places.take(), async { drop(place) });
        tokio::join!(places.all_free(), async {
            tokio::task::yield_now().await;
            assert_eq!(places.taken(), 1);
            drop(taken);
        });
        assert_eq!(places.taken(), 0);
    }
}
