/** A place in the server's log as all of its 64 bits. */
export function lsnAsBigInt(lsn: string): bigint {
  const [high = '0', low = '0'] = lsn.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
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
