import chromium from '@sparticuz/chromium';

export interface BrowserOptions {
  executablePath?: string;
  channel?: string;
  chromiumSandbox: boolean;
}

/**
 * The browser that tests and screenshots drive: on Linux the Chromium that comes in an npm package, so that
 * nothing is downloaded from elsewhere; on other systems the Chrome that is installed.
 */
export async function browserOptions(): Promise<BrowserOptions> {
  if (process.platform !== 'linux') return { channel: 'chrome', chromiumSandbox: true };
  // Chromium refuses to run as root with its sandbox; the pages it opens here are our own.
  return { executablePath: await chromium.executablePath(), chromiumSandbox: process.getuid?.() !== 0 };
}
