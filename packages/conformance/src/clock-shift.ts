/**
 * Shifts the wall clock of this process, as an administrator or a time service does to a machine: what asks for the time of day gets another, and timers
 * go on. Installed before the product is loaded, so that it cannot have kept the old functions.
 */
export function installClockShift(): (shiftMs: number) => void {
  let shiftMs = 0
  const RealDate = Date
  const now = () => RealDate.now() + shiftMs
  class ShiftedDate extends RealDate {
    constructor(...parts: readonly unknown[]) {
      if (parts.length === 0) super(now())
      else super(...(parts as [number]))
    }
    static override now(): number {
      return now()
    }
  }
  globalThis.Date = ShiftedDate as DateConstructor
  return (ms) => (shiftMs = ms)
}
