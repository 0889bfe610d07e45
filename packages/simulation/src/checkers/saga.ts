import { violated } from '../errors.ts'

/**
 * Every saga that was started has come to an end. Checked when the system is at rest: what has not ended by then never will.
 * @param options `sagas`: as they are stored; `terminal`: the states that are an end, compensated ones included. A saga parked for a person is one only if
 *   you list it
 * @throws Violation naming the first saga that hangs, and its state
 */
export function sagasEnd(options: {
  readonly sagas: Iterable<{ readonly sagaId: string; readonly state: string }>
  readonly terminal: readonly string[]
}): void {
  const hanging = [...options.sagas].filter(({ state }) => !options.terminal.includes(state))
  const [first] = hanging
  if (first === undefined) return
  const more = hanging.length === 1 ? '' : ` In all ${hanging.length} hang.`
  violated(`Saga ${first.sagaId} never ends: it rests in '${first.state}', which is none of ${options.terminal.join(', ')}.${more}`)
}
