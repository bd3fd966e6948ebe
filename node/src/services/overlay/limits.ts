/** Sizes and times of the overlay. Names carry the unit; without one it is a count. */

/** HyParView: neighbours, and machines known beside them */
export const ACTIVE_VIEW = 6;
export const PASSIVE_VIEW = 30;
/** steps after which a newcomer on a walk is put into the passive view: walks have 6 and go down to 0 */
export const PASSIVE_WALK = 3;
export const SHUFFLE_EVERY_MS = 5_000;
/** while so few machines are known that a node could lose them all at once */
export const FEW_KNOWN = 12;
export const SHUFFLE_SOON_MS = 1_000;
export const SHUFFLED_ACTIVE = 3;
export const SHUFFLED_PASSIVE = 4;
/** neighbours beyond the view, for who has nobody else yet: a crowd of newcomers does not push each other out; and how long they stay at least */
export const GUESTS = 26;
export const GUEST_MS = 2_000;
/** neighbours that a newcomer cannot push out: those that are here longest */
export const PROTECTED = 3;
/** of one host; hosts that many share do not count */
export const ACTIVE_OF_SITE = 2;
export const PASSIVE_OF_SITE = 6;
export const ASK_TIMEOUT_MS = 3_000;
export const DIAL_TIMEOUT_MS = 6_000;
/** a handshake costs both ends milliseconds of computing: on a busy machine many at once all come too late */
export const DIALS_AT_ONCE = 2;
/** a dial that got no answer for so long is followed by a pause, longer each time */
export const SLOW_DIAL_MS = 2_000;
export const DIAL_PAUSE_MS = 500;
export const MAX_DIAL_PAUSE_MS = 8_000;
/** walks that a newcomer sets off; it finds the rest of its neighbours in peace, which spares handshakes when many come at once */
export const JOIN_WALKS = 2;
/** with so many neighbours a node is well connected: more are looked for at leisure */
export const ENOUGH = 3;
/** how long the search rests after each, with fewer and with as many */
export const HASTE_MS = 500;
export const LEISURE_MS = 1_000;
export const RETRY_MS = 4_000;
/** while there is no neighbour at all */
export const LONELY_RETRY_MS = 400;
/** how often a full node looks for a component of the network it is not part of */
export const MERGE_EVERY_MS = 5_000;
export const TICK_MS = 250;
/** a tick so long after the one before is late: the process did not get to run */
export const HELD_UP_MS = 2 * TICK_MS;

/** a root says that it lives this often; without news for so long it counts as gone, sooner for those that lost their way to it */
export const BEACON_EVERY_MS = 1_000;
export const ROOT_LOST_MS = 3_200;
export const ORPHAN_MS = 1_600;
/** a number that somebody asked for comes at most this often */
export const ASKED_BEAT_MS = 500;
/** neighbours hear within this time where this node stands now: the beats of both roots come together, and who joins moves often */
export const TELL_TREES_MS = 25;
export const MAX_HOPS = 64;
export const MAX_FALLEN_ROOTS = 64;
/** a parent that is the parent in the other tree as well, or that withholds, is not followed before others had so long to tell of the same beat */
export const HOLD_MS = 250;
/** the next anchor is signed, and given to all, while so many beats are left */
export const ROOT_RENEW_BEATS = 8;
/** how long a chain is used, and how long after its making its beats are believed, beyond what clocks may differ */
export const ROOT_USED_MS = 45_000;
export const ROOT_GOOD_MS = 60_000;
/** roots that anchors are known of, and anchors of one neighbour that are remembered */
export const MAX_ROOTS = 32;
export const ROOTS_OF_PEER = 8;
/** signatures that the anchors of one neighbour may cost: at once, and per second */
export const ROOT_CHECKS = 16;
export const ROOT_CHECKS_PER_S = 2;

/** a topic that nobody needs any more is kept so long, in case somebody comes back */
export const LINGER_MS = 2_000;
export const MAX_LINGERING = 1_024;
/** how long a publisher that does not listen stays in its topic */
export const PUBLISHER_MS = 6_000;
/** topics that one neighbour may have us carry for it, and that all may */
export const MAX_ASKS_OF_PEER = 2_048;
export const MAX_CARRIED = 8_192;
/** a neighbour that takes up a topic with us is told what came so recently: it may have crossed with its joining */
export const RECENT_MS = 10_000;
/** of this what came at the very last is pushed at once, so that it is not overtaken by what follows: so far back, and so many at most */
export const CROSSED_MS = 1_000;
export const CROSSED = 64;
/** what came since a moment is not quite the same at two nodes: whoever asks goes back so much further */
export const DOUBT_MS = 2_000;
export const PRUNE_PAUSE_MS = 1_000;
/** former neighbours that are remembered */
export const MAX_PARTED = 256;
/** what one neighbour says is gone may still come from another: for so long */
export const GAP_WAIT_MS = 2_000;
/** and as long as more is said to be gone; all that one neighbour can name takes 8 s */
export const GAP_LONGEST_MS = 10_000;

/** messages kept for neighbours that missed them; and of those that nodes tell of themselves, which is told anew, apart from them */
export const KEPT: number = 10_240;
export const KEPT_INTERNAL: number = 2_048;
export const KEPT_BYTES = 64 * 1024 * 1024;
export const KEPT_INTERNAL_BYTES = 16 * 1024 * 1024;
export const KEPT_FOR_MS = 300_000 + RECENT_MS;
/** what is stale so soon is told nobody: it would be refused on arrival, and the teller blamed */
export const STALE_SOON_MS = 5_000;
/** ids of messages that are gone, for those that missed them */
export const MAX_DROPPED: number = 16_384;
/** topics of which nothing is kept but how much there was */
export const MAX_EMPTY_SHELVES: number = 2_048;
/** arrivals are counted in slots of this length, so many of them */
export const COUNT_SLOT_MS = 60_000;
export const COUNT_SLOTS = 60;
/** and as far back as messages are kept in short ones */
export const FINE_SLOT_MS = 250;
export const FINE_SLOTS = 1_280;

/** more messages of one topic a second than a network carries; of more than so many in the time that is counted nobody can speak */
export const MISSABLE_PER_S: number = 5_000;
export const MISSABLE: number = (MISSABLE_PER_S * COUNT_SLOTS * COUNT_SLOT_MS) / 1_000;

/** ids are told this often; of what nodes tell of themselves rarely enough that many go together where many nodes do */
export const TELL_EVERY_MS = 20;
export const TELL_INTERNAL_EVERY_MS = 250;
/** who has to be asked is looked at this often at most */
export const ASK_EVERY_MS = 50;
/** how long a message itself may be on its way before it is asked for */
export const PATIENCE_MS = 100;
/** asked for again, elsewhere if possible; doubles each time */
export const ASK_AGAIN_MS = 600;
export const ASK_TIMES = 4;
export const ASKED_AT_ONCE = 256;
/** what nobody is left to ask for is asked of the neighbours in turn, once they have told of what they have */
export const ORPHANS: number = 16_384;
export const ORPHANS_EVERY_MS = 1_000;
export const TOLD_ALL_MS = 2_000;
/** longer than a dead link goes unnoticed */
export const SAID_FOR_MS = 60_000;
/** while much is arriving, what was not asked for yet may still come by itself: for so long */
export const BUSY_PATIENCE_MS = 2_000;
export const BUSY_PENDING = 16;
/** much: so many new ones within so short */
export const BUSY_ARRIVALS = 8;
export const BUSY_WITHIN_MS = 250;
/** so many at once that a peer told of and did not give are no accident, unless it gave more than that */
export const BROKEN = 32;
export const AWAITED: number = 98_304;
export const AWAITED_OF_PEER: number = 16_384;
export const HOLDERS: number = 6;
export const UNTOLD: number = 16_384;

/** messages of one peer that wait for a verdict */
export const PENDING_OF_PEER = 512;

/** when a parent that did not give a message, which another did, has not shown within so long that it has it: it withholds */
export const WITHHELD_MS = 3_000;
export const MAX_WITHHELD = 256;
/** who has had a neighbour take part for less is not judged yet */
export const SETTLED_MS = 10_000;
/** penalty points of a neighbour that is no parent if there is another, and the most that withholding alone brings */
export const DISTRUSTED_AT = 25;
export const WITHHELD_POINTS = 60;

/** penalty points that end a link, how they fade, and for how long the peer is not wanted */
export const CUT_AT = 100;
export const FADE_PER_S = 1;
export const BAN_MS = 600_000;
export const MAX_BANNED = 256;
