import { StatementRefusedError } from './errors.ts'

// What stands before the first word of a statement.
const COMMENTS = String.raw`(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*`
const REFUSED = new RegExp(
  `^${COMMENTS}(?:` +
    // Ends the transaction, or part of it, behind the library's back.
    String.raw`begin|start|commit|end|rollback|abort|savepoint|release|prepare\s+transaction|` +
    // Would outlive the body, for whoever has the connection next.
    String.raw`set\s+(?!local\b|transaction\b|constraints\b)|reset|discard|listen|unlisten|load` +
    String.raw`)\b`,
  'i',
)

/**
 * Refuses what would take the transaction, or the connection, out of the library's hands. By its first word: the protocol that is used
 * takes one statement at a time, so that nothing can hide behind another.
 */
export function assertAllowed(sql: string, name: string): void {
  const refused = REFUSED.exec(sql)
  if (refused === null) return
  throw new StatementRefusedError(
    `A statement was refused on ${name}: '${refused[0].trim().slice(-40)}'. BEGIN, COMMIT, ROLLBACK, SAVEPOINT and settings of the session are ` +
      'the library’s; SET LOCAL is yours.',
  )
}

const PLAIN = new RegExp(String.raw`^${COMMENTS}(?:insert|update|delete|merge|select|with|values)\b`, 'i')

/**
 * Whether a statement is the same in a transaction that no BEGIN began. Others are not: LOCK and DECLARE ask for a BEGIN, SET LOCAL warns without one, VACUUM and CREATE
 * INDEX CONCURRENTLY would run where they are refused otherwise, and CALL could commit in the middle.
 */
export function isPlain(sql: string): boolean {
  return PLAIN.test(sql)
}
