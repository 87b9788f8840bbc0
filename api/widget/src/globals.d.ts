/** The version of the service that this bundle belongs to; the build fills it in. */
declare const VERSION: string;

declare module "*.css" {
  const text: string;
  export default text;
}
