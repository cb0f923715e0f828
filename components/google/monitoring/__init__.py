"""Cloud Monitoring of one service: what Google's platforms measure, and alarms and a dashboard of it."""
