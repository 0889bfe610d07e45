/**
 * Does the new service answer as the monolith does? Mirrored safe requests are compared field by field, and what differs by
 * nature (identifiers, times, order, rounding) is learned from replays against the monolith itself.
 */
export {}
