import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import { renderSVG } from 'uqr';

/** Length of a new secret, bytes; RFC 4226 asks for 20. */
const SECRET_BYTES = 20;
/** How many steps of 30 s a clock may be off, either way. */
const WINDOW = 1;

/** What an authenticator app is set up with. */
export interface Enrolment {
  /** Base32, as Supabase stores it. */
  secret: string;
  uri: string;
  /** The address as a picture, SVG. */
  qr_code: string;
}

/** Makes a new secret for time-based one-time passwords (RFC 6238: SHA-1, six digits, 30 s). */
export function enrolTotp(issuer: string, label: string): Enrolment {
  const secret = new Secret({ buffer: Uint8Array.from(randomBytes(SECRET_BYTES)).buffer });
  const uri = new TOTP({ issuer, label, secret }).toString();
  return { secret: secret.base32, uri, qr_code: renderSVG(uri) };
}

/**
 * Whether a code belongs to a secret at an instant.
 *
 * @param now milliseconds
 */
export function isTotp(secret: string, code: string, now: number): boolean {
  if (!/^\d{6}$/.test(code)) return false;
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  return totp.validate({ token: code, timestamp: now, window: WINDOW }) !== null;
}
