import type { MiddlewareHandler } from 'hono';
import { isHostAllowed } from './host.ts';
import { refusal } from './refusal.ts';
import type { ReadClient } from './trusted-proxies.ts';

/** Law: no inline script, no inline style, nothing from another origin. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
] as const;

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
} as const;

/** Puts the security headers on every answer. */
export function securityHeaders(readClient: ReadClient): MiddlewareHandler {
  return async (context, next) => {
    await next();
    const { headers } = context.res;
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
    // Browsers differ on whether 'self' covers WebSockets of the same origin, so they are named.
    const host = readClient(context).origin.replace(/^https?:\/\//, '');
    const sockets = /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : '';
    headers.set(
      'content-security-policy',
      [...CONTENT_SECURITY_POLICY, `connect-src 'self'${sockets}`].join('; '),
    );
  };
}

/** Refuses requests under a name that this server does not answer to. */
export function hostGuard(loopback: boolean): MiddlewareHandler {
  return async (context, next) => {
    if (isHostAllowed(context.req.header('host'), loopback)) return next();
    return refusal(421, {
      code: 'host_not_allowed',
      message: 'This server answers to names of this machine only.',
      hint: 'Open it as http://127.0.0.1, or listen on another HOST.',
    });
  };
}
