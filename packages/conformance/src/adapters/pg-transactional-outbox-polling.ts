import { pgTransactionalOutbox } from './pg-transactional-outbox.ts'

export default pgTransactionalOutbox('polling')
