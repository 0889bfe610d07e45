/**
 * A decimal number, exactly: `digits / 10^scale`. JSON has decimal numbers, JavaScript has binary ones, and 1.005 × 100 is 100.49999999999999 there.
 * The shortest decimal that reads back as the same number is what the file said, as long as it said it in at most 15 digits.
 */
export interface Decimal {
  readonly digits: bigint
  readonly scale: number
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/

/** The decimal number that `value` stands for. */
export function decimalOf(value: number): Decimal {
  const found = NUMBER.exec(String(value))
  if (found === null) throw new RangeError(`${value} is no finite number.`)
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = found
  const digits = BigInt(sign + whole + fraction)
  const scale = fraction.length - Number(exponent)
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 }
}

export function times(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale }
}

/** The nearest whole number of cents for an amount in units; half a cent goes away from zero. */
export function toCents(amount: Decimal): number {
  return Number(roundHalfAwayFromZero(amount.digits * 100n, 10n ** BigInt(amount.scale)))
}

function roundHalfAwayFromZero(numerator: bigint, denominator: bigint): bigint {
  const magnitude = numerator < 0n ? -numerator : numerator
  const rounded = (2n * magnitude + denominator) / (2n * denominator)
  return numerator < 0n ? -rounded : rounded
}
