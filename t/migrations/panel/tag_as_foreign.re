/^/ FILTER smtp:[127.0.0.1]:@BACK_PORT@
