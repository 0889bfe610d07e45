/** Certificates for tests of TLS: made in memory, so that no key lies in a repository and none expires there. */
export { type IssuedCertificate, type IssueOptions, issueCertificate } from './issue.ts'
