import { readFileSync } from 'node:fs';
import type { Layout } from '../job/layout.js';
import { SITE_FORMAT } from '../job/site-file.js';
import type { SiteFile } from '../job/site-file.js';

/** The site as the last apply left it, or null when nothing was applied. Throws when the file is of another format. */
export function readSiteFile(layout: Layout): SiteFile | null {
  let text: string;
  try {
    text = readFileSync(layout.siteFile, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const site = JSON.parse(text) as SiteFile;
  if ((site.format as string) !== SITE_FORMAT) {
    throw new Error(
      `${layout.siteFile} has format ${site.format}, this program reads ${SITE_FORMAT}: run \`mirror apply\``,
    );
  }
  return site;
}
