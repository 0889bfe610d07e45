import type { ResponseHead } from '@seaworthy/http-proxy'

const NOT_EXECUTED = /(?:^|\n)x-seaworthy-executed:[ \t]*no[ \t]*\r/i

/** Whether an answer says that nothing came of its request. */
export const saysNotExecuted = ({ fields }: ResponseHead): boolean => NOT_EXECUTED.test(fields.endToEnd)
