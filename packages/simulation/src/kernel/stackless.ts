/** Makes an error that comes from elsewhere, over a wire or from a disk: a stack of the simulation's own would say nothing, and takes longer than the rest. */
export function stackless<E extends Error>(make: () => E): E {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}
