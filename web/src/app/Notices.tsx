/** Where notices appear: fetched after the first screen; what was told before is shown then. */
export { Notifications } from "@mantine/notifications";
