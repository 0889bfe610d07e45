/** The place in the server's log one byte before another. A client says up to which byte it has everything, and the one that is used here adds one to what it is given. */
export function justBefore(lsn: string): string {
  const [high = '0', low = '0'] = lsn.split('/')
  const place = (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
  const before = place > 0n ? place - 1n : 0n
  return `${(before >> 32n).toString(16).toUpperCase()}/${(before & 0xff_ff_ff_ffn).toString(16).toUpperCase()}`
}

/** A place in the server's log as a number of bytes: exact up to 2^53, which a server reaches after eight thousand terabytes. */
export function lsnAsNumber(lsn: string): number {
  const [high = '0', low = '0'] = lsn.split('/')
  return Number.parseInt(high, 16) * 2 ** 32 + Number.parseInt(low, 16)
}

export function numberAsLsn(place: number): string {
  return `${Math.floor(place / 2 ** 32)
    .toString(16)
    .toUpperCase()}/${(place % 2 ** 32).toString(16).toUpperCase()}`
}
